import {readdir, stat} from 'node:fs/promises'
import {join} from 'node:path'

import type {SourceContext} from 'lorchestra'
import picomatch from 'picomatch'

import {codeOf} from './error-code.ts'
import type {Options, StreamSettings} from './options.ts'

export interface FoundFile {
  /** As the pattern spells it, with `/` between folders. */
  readonly name: string
  readonly path: string
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

type Context = Pick<SourceContext<Options>, 'resolvePath' | 'signal'>

/** Finds the files of a stream, by name. Throws where a folder cannot be listed: what is not seen must not be taken for gone. */
export async function findFiles(context: Context, {path: pattern}: StreamSettings): Promise<readonly FoundFile[]> {
  const one = await statOf(context.resolvePath(pattern), pattern)
  if (one !== undefined && !one.isFile()) throw new Error(`${pattern} is no file; a folder's files are ${pattern}/*`)
  const names = one === undefined ? await namesOf(context, pattern) : [pattern]
  const found: FoundFile[] = []
  for (const name of names.toSorted()) {
    const path = context.resolvePath(name)
    const stats = await statOf(path, name)
    // What a pattern names may be a folder, or be gone by now.
    if (stats?.isFile() === true) found.push({name, path, size: stats.size, modified: stats.mtimeMs})
  }
  return found
}

async function namesOf({resolvePath, signal}: Context, pattern: string): Promise<readonly string[]> {
  const {base, glob} = picomatch.scan(pattern)
  if (glob === '') throw new Error(`${pattern} is not there, or is beside lorchestra.yaml's own folder. ${ADVICE}`)
  const matches = picomatch(glob)
  const deep = /\*\*|[({].*\//.test(glob) ? Infinity : glob.split('/').length
  const found: string[] = []
  const open: (readonly string[])[] = [[]]
  for (let within = open.pop(); within !== undefined; within = open.pop()) {
    signal.throwIfAborted()
    for (const entry of await entriesOf(resolvePath(join(base, ...within)), base)) {
      const parts = [...within, entry.name]
      if (entry.isDirectory() && parts.length < deep) open.push(parts)
      const name = parts.join('/')
      if (!entry.isDirectory() && matches(name)) found.push(base === '' ? name : `${base}/${name}`)
    }
  }
  return found
}

const ADVICE =
  'A source reads the folder that a pattern begins in, and never the one where lorchestra.yaml is, or one around it: put the files into a folder of their own, such as incoming/*.csv'
/** A box tells nothing of what it may not read, not even whether it is there. */
const NOT_SEEN = ['ENOENT', 'ENOTDIR', 'ERR_ACCESS_DENIED']

async function entriesOf(folder: string, base: string) {
  try {
    return await readdir(folder, {withFileTypes: true})
  } catch (error) {
    const code = codeOf(error) ?? 'unknown error'
    const what = NOT_SEEN.includes(code) ? `is not there, or may not be read (${code})` : `cannot be read (${code})`
    throw new Error(`the folder ${base === '' ? '.' : base}, in which path: looks, ${what}. ${ADVICE}`, {cause: error})
  }
}

async function statOf(path: string, name: string) {
  try {
    return await stat(path)
  } catch (error) {
    if ([...NOT_SEEN, 'EINVAL'].includes(codeOf(error) ?? '')) return undefined
    throw new Error(`${name} cannot be read (${codeOf(error) ?? 'unknown error'})`, {cause: error})
  }
}
