import {open, type FileHandle} from 'node:fs/promises'

import type {JsonObject, SourceContext} from 'lorchestra'

import {BEGINNING, type Place, type ReadFile} from './bookmark.ts'
import {Content, DamagedContent} from './content.ts'
import {RunningDigest} from './digest.ts'
import {codeOf} from './error-code.ts'
import {columnsOf, missingIn} from './idem-key.ts'
import {formatOf} from './formats.ts'
import type {FoundFile} from './found-files.ts'
import type {Options, StreamSettings} from './options.ts'
import {UnreadableFile, type Reading} from './reading.ts'
import {sideOfRecord, type Span} from './windows.ts'

/** Milliseconds after which nobody is writing a file any more, so that its last line is whole without an end. */
const RESTS_AFTER = 60_000

/** Milliseconds within which a file may be written again and keep its time, as file systems tell it: FAT by two seconds. */
const TIME_STEP = 2000

/** What an earlier run read of a file, or of one that held the same. */
export interface Before {
  readonly own: ReadFile | undefined
  /** Files by another name that hold as many bytes. */
  readonly alike: readonly ReadFile[]
}

/** Some records of a file, and what was read of it by then; that is missing where the next run must read the file anew. */
export interface FilePart {
  readonly records: readonly JsonObject[]
  readonly read: ReadFile | undefined
}

/** Reads what is new of a file. */
export async function* readFile(
  context: SourceContext<Options>,
  settings: StreamSettings,
  found: FoundFile,
  before: Before,
  span: Span,
): AsyncGenerator<FilePart, void> {
  const {own} = before
  if (own?.modified === found.modified && own.size === found.size) return
  let file: FileHandle
  try {
    file = await open(found.path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw new Error(`${found.name} cannot be read (${codeOf(error) ?? 'unknown error'})`, {cause: error})
  }
  try {
    yield* new FileReader(context, settings, found, file, span).read(before)
  } catch (error) {
    if (context.signal.aborted) throw error
    throw new Error(`${found.name}: ${error instanceof Error ? error.message : 'it cannot be read'}`, {cause: error})
  } finally {
    await file.close()
  }
}

class FileReader {
  readonly #context: SourceContext<Options>
  readonly #settings: StreamSettings
  readonly #found: FoundFile
  readonly #file: FileHandle
  readonly #span: Span
  readonly #digest = new RunningDigest()
  readonly #keyColumns: readonly string[]
  readonly #openedAt = Date.now()
  /** Something in it is to be looked at again: its end is being written, or could not be read. */
  #unfinished = false
  /** It holds a record of a time that is yet to come. */
  #ahead = false

  constructor(
    context: SourceContext<Options>,
    settings: StreamSettings,
    found: FoundFile,
    file: FileHandle,
    span: Span,
  ) {
    this.#context = context
    this.#settings = settings
    this.#keyColumns = columnsOf(settings.key)
    this.#found = found
    this.#file = file
    this.#span = span
  }

  async *read({own, alike}: Before): AsyncGenerator<FilePart, void> {
    const {name} = this.#found
    const {signal} = this.#context
    const {size, mtimeMs: modified} = await this.#file.stat()
    const {grows, load} = formatOf(name, this.#settings)
    let place = BEGINNING
    for (const known of own === undefined ? alike : [own]) {
      if (known.size > size || !(await this.#begins(known))) continue
      // It was touched, renamed or copied.
      if (known.size === size && known.modified !== undefined)
        return void (yield {records: [], read: {...known, modified}})
      if (grows || known.size === size) place = known.place
      break
    }
    const content = new Content(this.#file, {size, digest: this.#digest, encoding: this.#settings.encoding, signal})
    const reading = await this.#reading(content, size, modified)
    // What cannot be passed over in a file is digested as a whole.
    if (!grows) await this.#digest.readTo(this.#file, size, signal)
    try {
      for await (const piece of (await load())(reading, place)) {
        place = piece.place
        yield {records: piece.records, read: this.#readUpTo(place)}
      }
    } catch (error) {
      const cause = causeIn(error)
      if (cause === undefined) throw error
      this.#unfinished = true
      reading.reject(cause instanceof UnreadableFile ? cause.line : place.lines + 1, cause.message)
    }
    if (!this.#unfinished) await this.#digest.readTo(this.#file, size, signal)
    yield {records: [], read: this.#readUpTo(place, modified)}
  }

  /** Tells whether the file begins with what was read of it. */
  async #begins({size, digest}: ReadFile): Promise<boolean> {
    // A file that was digested further than that is another one.
    if (this.#digest.length > size) return false
    await this.#digest.readTo(this.#file, size, this.#context.signal)
    return this.#digest.digest() === digest
  }

  #readUpTo(place: Place, modified?: number): ReadFile | undefined {
    if (this.#ahead) return undefined
    // Where the time is too new to tell one writing from the next, the digest is looked at once more.
    const whole = modified !== undefined && !this.#unfinished && this.#openedAt - modified >= TIME_STEP
    return {size: this.#digest.length, digest: this.#digest.digest(), place, ...(whole && {modified})}
  }

  async #reading(content: Content, size: number, modified: number): Promise<Reading> {
    const {signal, log} = this.#context
    const {name} = this.#found
    return {
      settings: this.#settings,
      file: this.#file,
      size,
      content,
      rested: Date.now() - modified >= RESTS_AFTER || (await content.isPacked()),
      signal,
      parseJson: (text) => this.#context.parseJson(text),
      accepts: (record, line) => this.#accepts(record, line),
      reject: (line, reason) => this.#reject(line, reason),
      hold: (line) => {
        this.#unfinished = true
        log.warn(`${name}:${line}: the end of the file is still being written, and is left for the next run`)
      },
    }
  }

  #accepts(record: JsonObject, line: number): boolean {
    const {window, objectType} = this.#settings
    const lacks = missingIn(record, this.#keyColumns)
    const side = lacks === undefined ? sideOfRecord(record, this.#settings, this.#span) : 'inside'
    if (lacks !== undefined) this.#reject(line, `${lacks}, of its key, is empty`)
    else if (side === 'undated' && typeof window === 'object') this.#reject(line, `its ${window.column} is no time`)
    else if (side === 'inside') return true
    else {
      if (side === 'after') this.#ahead = true
      this.#context.progress({objectType, outside: 1})
    }
    return false
  }

  #reject(line: number, reason: string): void {
    this.#context.reject(`${this.#found.name}:${line}`, reason, this.#settings.objectType)
  }
}

/** Finds what is wrong with the file in an error that a stream may have wrapped. */
function causeIn(error: unknown): Error | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof UnreadableFile || cause instanceof DamagedContent) return cause
  return undefined
}
