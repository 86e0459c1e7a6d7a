import {lstat, mkdir, rm, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {LorchestraCommand} from '../command.ts'
import {failure, messageWithCauses, usageError} from '../errors.ts'
import {Flags} from '../oclif.ts'
import {hasCode} from '../system-error.ts'

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
    const {STARTER_FILES} = await import('../starter-files.ts')
    const written = await writeStarterFiles(flags.directory, STARTER_FILES)
    this.log(
      `Wrote ${written.join(' and ')}.\n  → Copy .env.example to .env, fill it in, and look at \`lorchestra jobs list\`.`,
    )
    return {schema: 1, written}
  }
}

/** All of them or none; resolves with their paths. */
async function writeStarterFiles(
  folder: string,
  starters: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const files = Object.entries(starters).map(([name, text]) => ({path: join(resolve(folder), name), text}))
  const inTheWay: string[] = []
  for (const {path} of files) if (await isThere(path)) inTheWay.push(path)
  if (inTheWay.length > 0) throw alreadyThere(inTheWay)
  const written: string[] = []
  try {
    await mkdir(resolve(folder), {recursive: true})
    for (const {path, text} of files) {
      await writeFile(path, text, {flag: 'wx'})
      written.push(path)
    }
  } catch (error) {
    for (const path of written) await rm(path, {force: true})
    throw failure(
      `nothing was written to ${resolve(folder)}: ${messageWithCauses(error)}`,
      'Name a folder that can be written to: --directory FOLDER.',
      error,
    )
  }
  return written
}

async function isThere(path: string): Promise<boolean> {
  try {
    // Not stat: a link to nowhere is somebody's file as well.
    await lstat(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

const alreadyThere = (paths: readonly string[]): Error =>
  usageError(
    `${paths.join(' and ')} ${paths.length === 1 ? 'is' : 'are'} there already; nothing was written`,
    'Name another folder with --directory, or move the file away first.',
  )
