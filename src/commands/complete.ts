import {Flags} from '../base/oclif.ts'
import {LorchestraCommand} from '../cli/command.ts'
import type {Kind} from '../cli/completion/candidates.ts'
import type {CompleteDocument} from '../report/documents/complete.ts'

const MOST_RUNS = 50

/** A shell asks for this when somebody presses Tab. */
export default class Complete extends LorchestraCommand {
  static override readonly summary = 'Print the words that could end a command line, one a line'
  static override readonly description =
    'Takes the words of the line behind `--`; the last one is to be completed. Runs and sets are looked up in the warehouse.'
  static override readonly hidden = true
  static override readonly strict = false

  static override readonly flags = {
    'new-word': Flags.boolean({
      description: 'a word that has no letter yet is to be completed, behind those that are given',
    }),
  }

  override async run(): Promise<CompleteDocument> {
    const {argv, flags} = await this.parse(Complete)
    const {candidatesFor} = await import('../cli/completion/candidates.ts')
    const words = await candidatesFor({
      words: [...argv.map(String), ...(flags['new-word'] ? [''] : [])],
      commandLine: this.config,
      find: async (kind, path) => this.#find(kind, path),
    })
    for (const word of words) this.log(word)
    return {schema: 1, words: [...words]}
  }

  async #find(kind: Kind, path: string | undefined): Promise<readonly string[]> {
    if (kind === 'sources') {
      const {listSources} = await import('../sources/source-plugins.ts')
      return (await listSources(this.config)).sources.map(({descriptor}) => descriptor.name)
    }
    const config = await this.readConfig(path)
    if (kind === 'jobs') return [...config.jobs.keys()]
    if (kind === 'accounts') return [...config.accounts.keys()]
    const {openWarehouse} = await import('../warehouse/open-warehouse.ts')
    const warehouse = await openWarehouse(config.warehouse)
    const {tables} = config.warehouse
    if (kind === 'sets') {
      const {listTestSets} = await import('../run/test-tables.ts')
      return (await listTestSets(warehouse, tables)).flatMap(({testSet}) => (testSet === undefined ? [] : [testSet]))
    }
    const {readPastRuns} = await import('../run/past-runs.ts')
    return (await readPastRuns(warehouse, tables, {limit: MOST_RUNS})).map(({runId}) => runId)
  }
}
