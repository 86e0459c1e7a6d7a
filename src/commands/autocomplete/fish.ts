import {LorchestraCommand} from '../../cli/command.ts'
import {fishScript} from '../../cli/completion/scripts.ts'
import type {AutocompleteFishDocument} from '../../report/documents/complete.ts'

export default class AutocompleteFish extends LorchestraCommand {
  static override readonly summary = 'Print the completion script of the shell fish'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> > ~/.config/fish/completions/<%= config.bin %>.fish',
  ]

  override async run(): Promise<AutocompleteFishDocument> {
    await this.parse(AutocompleteFish)
    const script = fishScript(this.config.bin)
    this.log(script.trimEnd())
    return {schema: 1, script}
  }
}
