import {LorchestraCommand} from '../../cli/command.ts'
import {Flags} from '../../base/oclif.ts'
import type {ChangedPluginsDocument} from '../../report/documents/changed-plugins.ts'

export default class PluginsUpdate extends LorchestraCommand {
  static override readonly summary = 'Update installed plugins, with npm'
  static override readonly description =
    'Within the versions that they were installed for. Install scripts do not run unless you say so. Where one of them could not be used afterwards, all stay as they were.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %>']

  static override readonly flags = {
    'allow-scripts': Flags.boolean({description: 'run the install scripts of what is installed'}),
    verbose: Flags.boolean({char: 'v', description: 'show what npm says'}),
  }

  override async run(): Promise<ChangedPluginsDocument> {
    const {flags} = await this.parse(PluginsUpdate)
    const [{changedPluginMemberOf, formatGrants}, {changePlugins}] = await Promise.all([
      import('../../report/changed-plugins-text.ts'),
      import('../../sources/install/change-plugins.ts'),
    ])
    process.env['npm_config_ignore_scripts'] = String(!flags['allow-scripts'])
    const verbose = flags.verbose && !this.jsonEnabled()
    const plugins = await changePlugins(this.config, 'plugins:update', verbose ? ['--verbose'] : [])
    for (const plugin of plugins) {
      this.log(`Updated ${plugin.name} to ${plugin.version}.`)
      for (const line of formatGrants(plugin)) this.log(line)
    }
    if (plugins.length === 0) this.log('There is nothing newer.')
    return {schema: 1, plugins: plugins.map(changedPluginMemberOf)}
  }
}
