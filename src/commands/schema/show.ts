import {LorchestraCommand} from '../../cli/command.ts'
import {testSetOfTestTableFlag} from '../../cli/test-set-flag.ts'
import {Args, Flags} from '../../base/oclif.ts'
import {TEST_TABLE_FLAG} from '../../model/run-mode.ts'
import type {SchemaShowDocument} from '../../report/documents/schema-show.ts'

export default class SchemaShow extends LorchestraCommand {
  static override readonly summary = 'Show the shape that the records of a job have had so far'
  static override readonly description =
    'Every run folds the paths of its records, their types, and whether they are always there; the event log keeps what is new. Nothing is written.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --json',
  ]
  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }
  static override readonly flags = {
    [TEST_TABLE_FLAG]: Flags.boolean({description: 'what runs told in the test tables'}),
    ...testSetOfTestTableFlag(),
  }

  override async run(): Promise<SchemaShowDocument> {
    const {args, flags} = await this.parse(SchemaShow)
    const [{openWarehouse}, {testTablesOf}, {readJobSchemas}, {formatSchema, schemaShowMemberOf}] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../model/tables.ts'),
      import('../../report/job-schemas.ts'),
      import('../../report/schema-text.ts'),
    ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const production = config.warehouse.tables
    const tables = flags[TEST_TABLE_FLAG] ? testTablesOf(production) : production
    const schemas = await readJobSchemas(await openWarehouse(config.warehouse), tables, config, args.job)
    if (schemas.length === 0) this.log(`${args.job} has read nothing into these tables yet.`)
    for (const schema of schemas) this.log(formatSchema(schema, this.screen))
    return {schema: 1, job: args.job, event_log: tables.eventLog, streams: schemas.map(schemaShowMemberOf)}
  }
}
