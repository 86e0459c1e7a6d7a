import {readdir, readFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'

import {messageWithCauses} from '../base/errors.ts'
import {hasCode} from '../base/system-error.ts'

/** This word stands for the source in the template's files and names. `example.com` stays. */
const PLACEHOLDER = /example(?!\.)/g
/** npm would read it, and leave it out of the package, by its real name. */
const RENAMED: Readonly<Record<string, string>> = {gitignore: '.gitignore'}

/** Gives the files of a source plugin of this name. `lorchestra` is what its package.json asks npm for. */
export async function renderSourceTemplate(
  root: string,
  name: string,
  lorchestra: string,
): Promise<Readonly<Record<string, string>>> {
  const folder = join(root, 'templates', 'source')
  const paths = await readdir(folder, {recursive: true, withFileTypes: true})
  const files: Record<string, string> = {}
  for (const entry of paths) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const text = (await readFile(path, 'utf8')).replaceAll(PLACEHOLDER, name)
    const relative = path.slice(folder.length + 1)
    files[RENAMED[relative] ?? relative] = relative === 'package.json' ? askingFor(text, lorchestra) : text
  }
  return files
}

function askingFor(packageJson: string, lorchestra: string): string {
  const content = JSON.parse(packageJson) as {devDependencies: Record<string, string>}
  content.devDependencies['lorchestra'] = lorchestra
  return `${JSON.stringify(content, null, 2)}\n`
}

/**
 * Asks for this version where npm has noted that it came from a registry, otherwise for this very copy: a package of the
 * same name in a registry may be somebody else's.
 */
export async function ownPackageSpec(root: string, version: string): Promise<string> {
  const copy = `file:${root.replaceAll('\\', '/')}`
  let text: string
  try {
    text = await readFile(join(dirname(root), '.package-lock.json'), 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return copy
    throw new Error(`what npm notes beside ${root} cannot be read: ${messageWithCauses(error)}`, {cause: error})
  }
  const {packages} = JSON.parse(text) as {packages?: Readonly<Record<string, {resolved?: string} | undefined>>}
  return packages?.['node_modules/lorchestra']?.resolved?.startsWith('http') === true ? `^${version}` : copy
}
