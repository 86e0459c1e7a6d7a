import {LorchestraCommand} from '../../cli/command.ts'
import {failure} from '../../base/errors.ts'
import type {SourcesListDocument} from '../../report/documents/sources-list.ts'

const COLUMNS = [
  {name: 'SOURCE'},
  {name: 'SUMMARY', wraps: true as const},
  {name: 'PLUGIN'},
  {name: 'VERSION', leaves: 2},
  {name: 'ASKS FOR', wraps: true as const, leaves: 1},
]

export default class SourcesList extends LorchestraCommand {
  static override readonly summary = 'List the sources that installed plugins offer'
  static override readonly description = '`sources show` lists the options of one.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %>']

  override async run(): Promise<SourcesListDocument> {
    await this.parse(SourcesList)
    const [{formatFailures, listSources}, {formatTable}] = await Promise.all([
      import('../../sources/source-plugins.ts'),
      import('../../report/text-table.ts'),
    ])
    const {sources, failures} = await listSources(this.config)
    const [worst] = failures
    if (sources.length === 0 && worst !== undefined) {
      throw failure(`no source can be used: ${failures.map(({message}) => message).join('; ')}`, {
        code: 'E_PLUGIN_BROKEN',
        next: worst.next,
      })
    }
    if (failures.length > 0) this.logToStderr(formatFailures(failures))
    if (sources.length === 0) this.log('No plugin offers a source. Install one: lorchestra plugins install PACKAGE.')
    else {
      const rows = sources.map(({descriptor, plugin}) => [
        descriptor.name,
        descriptor.summary,
        plugin.name,
        plugin.version,
        [...descriptor.reads, ...(descriptor.spawn ? ['spawn'] : [])].join(', ') || 'nothing more',
      ])
      this.log(formatTable(COLUMNS, rows, this.screen))
    }
    return {
      schema: 1,
      sources: sources.map(({descriptor, plugin}) => ({
        source: descriptor.name,
        summary: descriptor.summary,
        plugin,
        reads: descriptor.reads,
        spawn: descriptor.spawn,
      })),
      failures,
    }
  }
}
