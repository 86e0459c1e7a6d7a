import type {JsonObject, JsonValue, Page, SourceContext} from 'lorchestra'

import {bookmarkOf, readFilesIn, type ReadFile, type ReadFiles} from './bookmark.ts'
import {findFiles} from './found-files.ts'
import {settingsOf, type Options, type StreamSettings} from './options.ts'
import {readFile} from './read-file.ts'
import {sideOfFile, spanOf, type Span} from './windows.ts'

/** Pages between two checkpoints, at most: the first come sooner, so that short readings get on as well. */
const PAGES_BETWEEN = 64

/** Reads the files that are new, or have changed, since those of the bookmark. */
export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const wanted = new Set(context.streams.map(({objectType}) => objectType))
  const streams = settingsOf(context.options).filter(({objectType}) => wanted.has(objectType))
  const reader = new StreamsReader(context)
  for (const settings of streams) yield* reader.read(settings)
  const bookmark = reader.bookmark()
  if (bookmark !== undefined) yield {objectType: streams[0]?.objectType ?? '', records: [], bookmark}
}

class StreamsReader {
  readonly #context: SourceContext<Options>
  readonly #span: Span
  readonly #files: ReadFiles
  /** False where a window leaves out what is older, so that no more than that is read when it ends. */
  readonly #readsAll: boolean
  #pages = 0
  #interval = 1

  constructor(context: SourceContext<Options>) {
    const {bookmark, window, start} = context
    this.#context = context
    this.#span = spanOf(context)
    this.#files = readFilesIn(bookmark)
    this.#readsAll =
      bookmark !== undefined || window.since === undefined || window.since.getTime() <= (start?.getTime() ?? -Infinity)
  }

  bookmark(): JsonValue | undefined {
    return this.#readsAll ? bookmarkOf(this.#files) : undefined
  }

  async *read(settings: StreamSettings): AsyncGenerator<Page, void> {
    const {objectType} = settings
    const before: ReadonlyMap<string, ReadFile> = this.#files.get(objectType) ?? new Map<string, ReadFile>()
    const read = new Map(before)
    this.#files.set(objectType, read)
    const found = await findFiles(this.#context, settings)
    const names = new Set(found.map(({name}) => name))
    const bySize = wholeFilesBySize(before)
    for (const file of found) {
      if (sideOfFile(file, settings, this.#span) !== 'inside') continue
      const former = {own: before.get(file.name), alike: bySize.get(file.size) ?? []}
      for await (const part of readFile(this.#context, settings, file, former, this.#span)) {
        if (part.read === undefined) read.delete(file.name)
        else read.set(file.name, part.read)
        if (part.records.length > 0) yield this.#page(objectType, part.records)
      }
    }
    this.#forget(settings, names, read)
  }

  #page(objectType: string, records: readonly JsonObject[]): Page {
    this.#pages += 1
    if (!this.#readsAll || this.#pages < this.#interval) return {objectType, records}
    this.#pages = 0
    this.#interval = Math.min(this.#interval * 2, PAGES_BETWEEN)
    return {objectType, records, bookmark: bookmarkOf(this.#files), checkpoint: true}
  }

  /** Forgets files that are not there any more. Those by another name were found again by what they hold. */
  #forget({objectType}: StreamSettings, found: ReadonlySet<string>, read: Map<string, ReadFile>): void {
    const digests = new Set([...read].filter(([name]) => found.has(name)).map(([, {digest}]) => digest))
    const gone: string[] = []
    for (const [name, {digest}] of read) {
      if (found.has(name)) continue
      read.delete(name)
      if (!digests.has(digest)) gone.push(name)
    }
    const [first] = gone
    if (first === undefined) return
    const others = gone.length === 1 ? '' : ` and ${gone.length - 1} more`
    this.#context.log.warn(`${first}${others} of ${objectType} is not there any more; what was read of it stays`)
  }
}

function wholeFilesBySize(files: ReadonlyMap<string, ReadFile>): ReadonlyMap<number, readonly ReadFile[]> {
  const bySize = new Map<number, ReadFile[]>()
  for (const file of files.values()) {
    if (file.modified === undefined) continue
    const others = bySize.get(file.size)
    if (others === undefined) bySize.set(file.size, [file])
    else others.push(file)
  }
  return bySize
}
