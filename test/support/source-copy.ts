import {cp, readFile, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {PACKAGE} from './package-copy.ts'

/** The sources with what tests need to run them, to be changed; the libraries are the ones that are installed here. */
export async function copySources(folder: string): Promise<string> {
  const copy = join(folder, 'copy')
  for (const part of ['src', 'package.json', 'tsconfig.json']) {
    await cp(join(PACKAGE, part), join(copy, part), {recursive: true})
  }
  await cp(join(PACKAGE, 'test', 'support'), join(copy, 'test', 'support'), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  })
  await symlink(join(PACKAGE, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Puts `text` before the only place where the file has `place`. */
export async function insertBefore(file: string, place: string, text: string): Promise<void> {
  const parts = (await readFile(file, 'utf8')).split(place)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times ${place}`)
  await writeFile(file, parts.join(`${text}${place}`))
}
