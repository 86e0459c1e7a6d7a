import {join, relative} from 'node:path'

import {LorchestraCommand} from '../../cli/command.ts'
import {usageError} from '../../base/errors.ts'
import {NAME, NAME_ADVICE} from '../../model/name.ts'
import {Args, Flags} from '../../base/oclif.ts'
import type {SourcesCreateDocument} from '../../report/documents/sources-create.ts'

export default class SourcesCreate extends LorchestraCommand {
  static override readonly summary = 'Write a new source plugin, complete with tests'
  static override readonly description =
    'A package that reads a paged JSON API, with a small local server, the conformance suite and everything to build and publish it. Its tests pass as written; change it to what the real API wants. Files that are there already are never touched.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> notes',
    '<%= config.bin %> <%= command.id %> notes --directory plugins/notes',
  ]

  static override readonly args = {
    name: Args.string({description: 'of the source, as `source:` in lorchestra.yaml says it', required: true}),
  }

  static override readonly flags = {
    directory: Flags.string({
      description: 'folder to write to, instead of ./lorchestra-source-NAME',
      helpValue: 'FOLDER',
    }),
    lorchestra: Flags.string({
      description: 'what its package.json asks npm for, instead of this version or this copy',
      helpValue: 'SPEC',
    }),
  }

  override async run(): Promise<SourcesCreateDocument> {
    const {args, flags} = await this.parse(SourcesCreate)
    const {name} = args
    if (!NAME.test(name)) {
      throw usageError(`${JSON.stringify(name)} is not a name for a source`, {
        code: 'E_NAME_INVALID',
        next: NAME_ADVICE,
      })
    }
    const [{listSources}, {ownPackageSpec, renderSourceTemplate}, {writeStarterFiles}] = await Promise.all([
      import('../../sources/source-plugins.ts'),
      import('../../sources/source-template.ts'),
      import('../../cli/starter/write-files.ts'),
    ])
    const taken = (await listSources(this.config)).sources.find(({descriptor}) => descriptor.name === name)
    if (taken !== undefined) {
      throw usageError(
        `the plugin ${taken.plugin.name} offers a source ${name} already, and of two with one name neither can be used`,
        {code: 'E_NAME_TAKEN', next: 'Choose another name.'},
      )
    }
    const lorchestra = flags.lorchestra ?? (await ownPackageSpec(this.config.root, this.config.version))
    const folder = flags.directory ?? `lorchestra-source-${name}`
    const written = await writeStarterFiles(folder, await renderSourceTemplate(this.config.root, name, lorchestra))
    const shown = relative(process.cwd(), join(process.cwd(), folder)) || '.'
    this.log(`Wrote ${written.length} files to ${folder}.
  → cd ${shown} && npm install && npm test
  → lorchestra plugins link --no-install . && npm run service
  → lorchestra run ${name}_items --dry-run (in another terminal)`)
    return {schema: 1, source: name, folder, lorchestra, written: written.toSorted()}
  }
}
