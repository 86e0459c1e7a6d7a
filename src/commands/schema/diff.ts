import {LorchestraCommand} from '../../cli/command.ts'
import {testSetOfTestTableFlag} from '../../cli/test-set-flag.ts'
import {Args, Flags} from '../../base/oclif.ts'
import {TEST_TABLE_FLAG} from '../../model/run-mode.ts'
import type {SchemaDiffDocument} from '../../report/documents/schema-diff.ts'

export default class SchemaDiff extends LorchestraCommand {
  static override readonly summary = 'Show how the shape of the records of a job changed, and what was refused'
  static override readonly description =
    'What the first run of a stream found is no change. A path that is gone is none either: a run reads only what is due. Nothing is written.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --since gmail_ingest_acct1-20260131120000-0a1b2c3d',
  ]
  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }
  static override readonly flags = {
    since: Flags.string({description: 'only what later runs than this one told', helpValue: 'RUN'}),
    [TEST_TABLE_FLAG]: Flags.boolean({description: 'what runs told in the test tables'}),
    ...testSetOfTestTableFlag(),
  }

  override async run(): Promise<SchemaDiffDocument> {
    const {args, flags} = await this.parse(SchemaDiff)
    const [
      {openWarehouse},
      {testTablesOf},
      {readJobSchemas, startOfRun},
      {datedChanges, formatDatedChanges, diffMemberOf},
    ] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../model/tables.ts'),
      import('../../report/job-schemas.ts'),
      import('../../report/schema-text.ts'),
    ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const production = config.warehouse.tables
    const tables = flags[TEST_TABLE_FLAG] ? testTablesOf(production) : production
    const warehouse = await openWarehouse(config.warehouse)
    const schemas = await readJobSchemas(warehouse, tables, config, args.job)
    const {since} = flags
    const after = since === undefined ? undefined : {runId: since, at: await startOfRun(warehouse, tables, since)}
    const changes = datedChanges(schemas, after)
    if (changes.length === 0) this.log('Nothing changed.')
    else this.log(formatDatedChanges(changes, this.screen))
    return {schema: 1, job: args.job, event_log: tables.eventLog, changes: changes.map(diffMemberOf)}
  }
}
