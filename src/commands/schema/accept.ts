import {LorchestraCommand} from '../../cli/command.ts'
import {listenForSignals} from '../../cli/signals.ts'
import {testSetOfTestTableFlag} from '../../cli/test-set-flag.ts'
import {Args, Flags} from '../../base/oclif.ts'
import {modeOfFlags, TEST_TABLE_FLAG} from '../../model/run-mode.ts'
import type {SchemaAcceptDocument} from '../../report/documents/schema-accept.ts'

export default class SchemaAccept extends LorchestraCommand {
  /** The init hook reads it, and sets the run mode for commands that say so. */
  static readonly runsJobs = true
  static override readonly summary = 'Accept the changes for which runs with `schema: freeze` failed'
  static override readonly description =
    'Writes one event a stream to the event log, while no run reads that stream; the next run stores such records.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 /payload/newHeader /labelIds',
  ]
  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
    path: Args.string({
      description: 'accept only what is at this JSON pointer or below it',
      multiple: true,
    }),
  }
  static override readonly flags = {
    [TEST_TABLE_FLAG]: Flags.boolean({description: 'what runs into the test tables refused'}),
    ...testSetOfTestTableFlag(),
  }

  override async run(): Promise<SchemaAcceptDocument> {
    const {args, flags} = await this.parse(SchemaAccept)
    const [{openWarehouse}, {testTablesOf}, {acceptChanges}, schemas, {formatChanges, acceptedMemberOf}] =
      await Promise.all([
        import('../../warehouse/open-warehouse.ts'),
        import('../../model/tables.ts'),
        import('../../run/accept-schema.ts'),
        import('../../report/job-schemas.ts'),
        import('../../report/schema-text.ts'),
      ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const {warehouse} = config
    const mode = modeOfFlags(flags)
    const tables = flags[TEST_TABLE_FLAG] ? testTablesOf(warehouse.tables) : warehouse.tables
    const paths = args.path ?? []
    const known = await schemas.readJobSchemas(await openWarehouse(warehouse), tables, config, args.job)
    schemas.assertEveryPathIsRefused(known, paths)
    const stop = listenForSignals(() => 'schema accept', 'Run it again to see what is left to accept.')
    const accepted: SchemaAcceptDocument['accepted'][number][] = []
    try {
      for (const schema of known) {
        const changes = schemas.refusedChanges(schema, paths)
        if (changes.length === 0) continue
        const command = {warehouse, cacheDir: this.config.cacheDir, mode, signal: stop.signal}
        const runId = await acceptChanges(command, {scope: schema.scope, changes})
        this.log(formatChanges(schema.scope.stream, changes))
        accepted.push(...changes.map((change) => acceptedMemberOf(runId, schema.scope.stream, change)))
      }
    } finally {
      stop.close()
    }
    if (accepted.length === 0) this.log(`Nothing that ${args.job} refused is left to accept.`)
    return {schema: 1, job: args.job, event_log: tables.eventLog, accepted}
  }
}
