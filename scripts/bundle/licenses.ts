import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'

/** Names the packages whose files were copied, with their licenses: their authors ask to be named wherever a copy goes. */
export async function licensesOf(files: readonly string[]): Promise<string> {
  const folders = new Set(
    files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []).toSorted(),
  )
  const texts = [...folders].map(async (folder) => {
    const names = (await readdir(folder)).filter((name) => /^licen[cs]e/i.test(name))
    const {name, version, license} = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      readonly [key: string]: unknown
    }
    const licenses = await Promise.all(names.map(async (file) => readFile(join(folder, file), 'utf8')))
    return [`${String(name)} ${String(version)} (${String(license)})`, ...licenses].join('\n\n')
  })
  return `${(await Promise.all(texts)).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
