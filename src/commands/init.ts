import {LorchestraCommand} from '../command.ts'
import {Flags} from '../oclif.ts'

export default class Init extends LorchestraCommand {
  static override readonly summary = 'Write a commented lorchestra.yaml and .env.example to start from'
  static override readonly description = 'Files that are there already are never touched.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --directory ingestion',
  ]

  static override readonly flags = {
    directory: Flags.string({
      description: 'folder to write to, instead of this one',
      helpValue: 'FOLDER',
      default: '.',
    }),
  }

  override async run(): Promise<object> {
    const {flags} = await this.parse(Init)
    const [{STARTER_FILES}, {writeStarterFiles}] = await Promise.all([
      import('../starter-files.ts'),
      import('../write-starter-files.ts'),
    ])
    const written = await writeStarterFiles(flags.directory, STARTER_FILES)
    this.log(
      `Wrote ${written.join(' and ')}.\n  → Copy .env.example to .env, fill it in, and look at \`lorchestra jobs list\`.`,
    )
    return {schema: 1, written}
  }
}
