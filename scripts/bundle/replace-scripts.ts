import {globSync} from 'node:fs'
import {mkdir, rename, rm, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'

/** Replaces all JavaScript of a folder. A program that starts meanwhile finds each file whole, the old one or the new one. */
export async function replaceScripts(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, content] of files) {
    const path = join(folder, name)
    await mkdir(dirname(path), {recursive: true})
    const draft = `${path}.${process.pid}.new`
    await writeFile(draft, content)
    await rename(draft, path)
  }
  const stale = globSync('**/*.{js,js.map}', {cwd: folder}).filter((name) => !files.has(name.replaceAll('\\', '/')))
  await Promise.all(stale.map(async (name) => rm(join(folder, name))))
}
