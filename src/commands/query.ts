import {LorchestraCommand} from '../cli/command.ts'
import {listenForSignals} from '../cli/signals.ts'
import {Args, Flags} from '../base/oclif.ts'
import type {QueryDocument} from '../report/documents/query.ts'

export default class Query extends LorchestraCommand {
  static override readonly summary = 'Ask the warehouse with a SELECT of your own; nothing is written'
  static override readonly description = `Tables have their configured names, such as raw_objects, event_log and test_raw_objects. It takes one SELECT (or WITH and SELECT) and refuses everything else: other statements, other files, the network.

A table shows values up to 80 characters; --csv and --json give them whole. Control characters are shown as codes. Secrets of lorchestra.yaml that were used are masked, but what \`mask:\` hides in the samples of a dry run is not: the answer is what you select.

Where reading is billed, the service's estimate is told before the query runs, and what it billed afterwards. A limit shortens what is shown, not what is billed: select few columns.`
  static override readonly examples = [
    {
      description: 'How many records there are of each kind',
      command:
        "<%= config.bin %> <%= command.id %> 'SELECT source_system, object_type, count(*) AS records FROM raw_objects GROUP BY 1, 2'",
    },
    {
      description: 'What went wrong lately',
      command:
        '<%= config.bin %> <%= command.id %> "SELECT created_at, event_type, error_message FROM event_log WHERE status = \'failed\' ORDER BY created_at DESC" --limit 20',
    },
    {
      description: 'All keys of the test tables, as CSV',
      command:
        "<%= config.bin %> <%= command.id %> 'SELECT idem_key, last_seen FROM test_raw_objects' --csv --limit 1000000 > keys.csv",
    },
  ]

  static override readonly args = {
    sql: Args.string({description: 'one SELECT, in quotes', required: true}),
  }

  static override readonly flags = {
    csv: Flags.boolean({description: 'print CSV, row by row', exclusive: ['json']}),
    limit: Flags.integer({description: 'how many rows at most', helpValue: 'ROWS', default: 1000, min: 1}),
  }

  override async run(): Promise<QueryDocument | undefined> {
    const {args, flags} = await this.parse(Query, withStatementLast(this.argv))
    const [{kindOf}, {openWarehouse, outsideOfRuns}, output, {formatBytes}] = await Promise.all([
      import('../warehouse/kinds.ts'),
      import('../warehouse/open-warehouse.ts'),
      import('../report/query-output.ts'),
      import('../report/bytes-text.ts'),
    ])
    const {warehouse: settings} = await this.readConfig(flags.config)
    const {name} = kindOf(settings)
    const {limit} = flags
    const stop = listenForSignals(() => 'query', 'Nothing was written.')
    try {
      const warehouse = await openWarehouse(settings, outsideOfRuns(stop.signal))
      const answer = await warehouse.query({
        sql: args.sql,
        rows: limit + 1,
        priced: (bytes) => this.logToStderr(`${name} estimates that the query reads ${formatBytes(bytes)}.`),
      })
      const {bytesBilled} = warehouse
      const tell = (moreRows: boolean): void => {
        if (moreRows) this.logToStderr(`There are more rows than these ${limit}; --limit takes another number.`)
        if (bytesBilled !== undefined) this.logToStderr(`${name} billed ${formatBytes(bytesBilled)}.`)
      }
      if (this.jsonEnabled()) {
        const {rows, moreRows} = await output.gatherRows(answer, limit)
        tell(moreRows)
        return {
          schema: 1,
          warehouse: name,
          columns: answer.columns,
          rows,
          more_rows: moreRows,
          ...(bytesBilled !== undefined && {bytes_billed: bytesBilled}),
        }
      }
      const to = {limit, mask: this.mask.apply, print: this.printPatiently, screen: this.screen}
      const {moreRows, cutValues} = await (flags.csv ? output.printCsv(answer, to) : output.printTable(answer, to))
      tell(moreRows)
      if (cutValues) this.logToStderr('Longer values are cut; --csv and --json give them whole.')
      return undefined
    } finally {
      stop.close()
    }
  }
}

/** A statement may begin with a comment, which looks like a flag; but no flag has several lines. */
function withStatementLast(words: readonly string[]): string[] {
  const isStatement = (word: string): boolean => /^--.*\n/.test(word)
  if (words.includes('--') || !words.some(isStatement)) return [...words]
  return [...words.filter((word) => !isStatement(word)), '--', ...words.filter(isStatement)]
}
