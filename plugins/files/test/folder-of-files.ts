import {mkdir, utimes, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'

import {parseExactly} from '../../../src/base/exact-json.ts'
import type {JsonObject, JsonValue, Page, SourceContext} from '../../../src/source.ts'
import {secretsInMemory} from '../../../src/testing/trial.ts'
import {options as schema, type Options} from '../src/options.ts'
import source from '../src/source.ts'

export type Contents = Readonly<Record<string, string | Uint8Array>>

/** Writes files that have rested for an hour: nobody is writing them any more. */
export async function writeFiles(folder: string, files: Contents): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, content)
    await rest(path)
  }
}

let later = 0

/** Makes a file one that was modified an hour ago, and never at the time of another. */
export async function rest(path: string, ago = 3_600_000): Promise<void> {
  const at = new Date(Date.now() - ago + (later += 10))
  await utimes(path, at, at)
}

export interface Read {
  readonly records: readonly JsonObject[]
  readonly keys: readonly string[]
  readonly rejected: readonly string[]
  readonly outside: number
  readonly warnings: readonly string[]
  readonly pages: readonly Page[]
  readonly bookmark?: JsonValue
}

export interface More extends Partial<Pick<SourceContext<Options>, 'bookmark' | 'start'>> {
  readonly window?: Partial<SourceContext<Options>['window']>
  /** Reads no further than so many pages, as a run that is killed. */
  readonly pages?: number
}

/** Reads once, as a run would; the bookmark comes back as it was stored. */
export async function readFiles(
  folder: string,
  given: object,
  {pages: most = Infinity, ...more}: More = {},
): Promise<Read> {
  const options = schema.parse(given)
  const rejected: string[] = []
  const warnings: string[] = []
  let outside = 0
  const silent = (): void => undefined
  const streams = source.streams(options).map(({objectType}) => ({objectType, sourceSystem: 'files--here'}))
  const context: SourceContext<Options> = {
    options,
    streams,
    http: {request: () => Promise.reject(new Error('no network in this test'))},
    secrets: secretsInMemory(),
    log: {debug: silent, info: silent, warn: (message) => void warnings.push(message), error: silent},
    signal: new AbortController().signal,
    resolvePath: (path) => join(folder, path),
    parseJson: parseExactly,
    known: () => Promise.resolve(new Set()),
    stored: () => Promise.resolve(new Set()),
    progress: (update) => void (outside += update.outside ?? 0),
    reject: (reference, reason) => void rejected.push(`${reference} ${reason}`),
    ...more,
    window: {until: new Date(), ...more.window},
  }
  const pages: Page[] = []
  for await (const page of source.extract(context)) if (pages.push(page) >= most) break
  const keys = pages.flatMap((page) => {
    const stream = streams.find(({objectType}) => objectType === page.objectType)
    return stream === undefined ? [] : page.records.map((record) => source.idemKey(record, stream, options))
  })
  const bookmark = pages.findLast((page) => page.bookmark !== undefined)?.bookmark
  return {
    records: pages.flatMap((page) => page.records),
    keys: keys.map((key) => key.split(':').slice(2).join(':')),
    rejected,
    outside,
    warnings,
    pages,
    ...(bookmark !== undefined && {bookmark: JSON.parse(JSON.stringify(bookmark)) as JsonValue}),
  }
}
