import {LorchestraCommand} from '../../cli/command.ts'
import {Args} from '../../base/oclif.ts'
import {STARTER} from '../../cli/starter/starter-files.ts'
import type {SourcesShowDocument} from '../../report/documents/sources-show.ts'

export default class SourcesShow extends LorchestraCommand {
  static override readonly summary = 'Show what a source reads, and all of its options'
  static override readonly description = 'Needs no lorchestra.yaml. Nothing is contacted.'
  static override readonly examples = [`<%= config.bin %> <%= command.id %> ${STARTER.source}`]

  static override readonly args = {
    source: Args.string({description: 'source, one of `lorchestra sources list`', required: true}),
  }

  override async run(): Promise<SourcesShowDocument> {
    const {args} = await this.parse(SourcesShow)
    const {describeSource, formatSource} = await import('../../report/source-description.ts')
    const source = await describeSource(this.config, args.source)
    this.log(formatSource(source, this.screen))
    return {schema: 1, source}
  }
}
