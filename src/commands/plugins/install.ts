import {existsSync} from 'node:fs'
import {resolve} from 'node:path'

import {LorchestraCommand} from '../../cli/command.ts'
import {usageError} from '../../base/errors.ts'
import {Args, Flags} from '../../base/oclif.ts'
import type {ChangedPluginsDocument} from '../../report/documents/changed-plugins.ts'

export default class PluginsInstall extends LorchestraCommand {
  static override readonly summary = 'Install a plugin, with npm'
  static override readonly description =
    'From the registry that npm is set to, from a packed file, an address or a repository. Install scripts of the plugin and of what it needs do not run unless you say so. A plugin that cannot be used is not installed, and what was installed before stays as it was.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> lorchestra-source-notes',
    '<%= config.bin %> <%= command.id %> lorchestra-source-notes@1.2.0',
    '<%= config.bin %> <%= command.id %> ./lorchestra-source-notes-1.2.0.tgz',
  ]

  static override readonly aliases = ['plugins:add']
  static override readonly args = {
    plugin: Args.string({description: 'package, file, address or repository', required: true}),
  }

  static override readonly flags = {
    'allow-scripts': Flags.boolean({description: 'run the install scripts of what is installed'}),
    force: Flags.boolean({char: 'f', description: 'have npm fetch again what it has'}),
    verbose: Flags.boolean({char: 'v', description: 'show what npm says'}),
  }

  override async run(): Promise<ChangedPluginsDocument> {
    const {args, flags} = await this.parse(PluginsInstall)
    const [{changedPluginMemberOf, formatGrants}, {changePlugins}, {assertInRegistry, isInRegistry}] =
      await Promise.all([
        import('../../report/changed-plugins-text.ts'),
        import('../../sources/install/change-plugins.ts'),
        import('../../sources/install/registry.ts'),
      ])
    if (looksLikePath(args.plugin) && !existsSync(args.plugin)) {
      throw usageError(`there is no ${resolve(args.plugin)}`, {
        code: 'E_PLUGIN_UNKNOWN',
        next: 'Name a packed plugin (npm pack makes one) or its folder.',
      })
    }
    const spec = looksLikePath(args.plugin) ? `file:${resolve(args.plugin)}` : args.plugin
    if (isInRegistry(spec)) await assertInRegistry(this.config, spec)
    process.env['npm_config_ignore_scripts'] = String(!flags['allow-scripts'])
    const plugins = await changePlugins(this.config, 'plugins:install', [
      spec,
      ...(flags.force ? ['--force'] : []),
      flags.verbose && !this.jsonEnabled() ? '--verbose' : '--silent',
    ])
    for (const plugin of plugins) {
      const {name, version, sources} = plugin
      const offered = sources.map((source) => source.name).join(', ')
      this.log(`Installed ${name} ${version}; it offers ${offered === '' ? 'no source' : `the source ${offered}`}.`)
      for (const line of formatGrants(plugin)) this.log(line)
    }
    if (plugins.length === 0) this.log(`${args.plugin} is installed already.`)
    return {schema: 1, plugins: plugins.map(changedPluginMemberOf)}
  }
}

const looksLikePath = (spec: string): boolean => /^[./]|^[a-z]:[\\/]|^[^:]+\.tgz$/i.test(spec)
