import {open, rm, truncate, type FileHandle} from 'node:fs/promises'
import {join} from 'node:path'

import {writingTemporaryFiles} from './temporary-files.ts'

const FILE_BYTES = 64 * 1024 * 1024
const BUFFER_BYTES = 1024 * 1024
/** UTF-8 takes at most so many bytes for one UTF-16 code unit. */
const LONGEST_ENCODING = 3

export interface LinesPosition {
  readonly files: number
  readonly bytesInLast: number
}

/** Writes lines to files of about 64 MB. One buffer is written to disk while the next one fills. */
export class LineFiles {
  readonly #folder: string
  readonly #name: string
  readonly #files: {path: string; bytes: number}[] = []
  #handle: FileHandle | undefined
  #created = 0
  #bytes = 0
  #filling: Buffer | undefined
  #spare: Buffer | undefined
  #used = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
  }

  /** The number of bytes that are in files already. */
  get bytes(): number {
    return this.#bytes
  }

  paths(): readonly string[] {
    return this.#files.filter(({bytes}) => bytes > 0).map(({path}) => path)
  }

  /** Tells where the lines end; it is exact after `flush`. */
  position(): LinesPosition {
    return {files: this.#files.length, bytesInLast: this.#files.at(-1)?.bytes ?? 0}
  }

  /** Takes a line in several parts, so that they need not be joined. Resolves at once unless a buffer is full. */
  async add(parts: readonly (string | Uint8Array)[]): Promise<void> {
    let longest = 0
    for (const part of parts) longest += typeof part === 'string' ? LONGEST_ENCODING * part.length : part.length
    if (this.#used > 0 && this.#used + longest > BUFFER_BYTES) await this.#writeOut()
    if (longest > BUFFER_BYTES) {
      await this.#write(Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))))
      return
    }
    this.#filling ??= Buffer.allocUnsafe(BUFFER_BYTES)
    for (const part of parts) this.#used += this.#put(part)
  }

  async flush(): Promise<void> {
    if (this.#used > 0) await this.#writeOut()
    await this.#written()
  }

  /** Drops all that came after the position, whether it is in a file yet or not. */
  async cutBack({files, bytesInLast}: LinesPosition): Promise<void> {
    this.#used = 0
    await this.close()
    for (const {path} of this.#files.splice(files)) await rm(path, {force: true})
    const last = this.#files.at(-1)
    if (last !== undefined) {
      await truncate(last.path, bytesInLast)
      last.bytes = bytesInLast
    }
    this.#bytes = this.#files.reduce((sum, file) => sum + file.bytes, 0)
  }

  async clear(): Promise<void> {
    await this.cutBack({files: 0, bytesInLast: 0})
  }

  async close(): Promise<void> {
    await this.#written().catch(() => undefined)
    await this.#closeFile()
  }

  #put(part: string | Uint8Array): number {
    if (typeof part === 'string') return this.#filling?.write(part, this.#used) ?? 0
    this.#filling?.set(part, this.#used)
    return part.length
  }

  /** Returns as soon as the buffer before this one is in its file. */
  async #writeOut(): Promise<void> {
    const full = this.#filling
    const bytes = full?.subarray(0, this.#used)
    this.#filling = this.#spare
    this.#spare = full
    this.#used = 0
    if (bytes !== undefined) await this.#write(bytes)
  }

  async #write(bytes: Buffer): Promise<void> {
    await this.#written()
    this.#writing = this.#append(bytes)
    // Told to whoever writes or flushes next.
    this.#writing.catch(() => undefined)
  }

  async #written(): Promise<void> {
    const writing = this.#writing
    this.#writing = Promise.resolve()
    await writing
  }

  async #append(bytes: Buffer): Promise<void> {
    await writingTemporaryFiles(this.#folder, async () => {
      const file = await this.#currentFile()
      await this.#handle?.appendFile(bytes)
      file.bytes += bytes.length
      this.#bytes += bytes.length
    })
  }

  async #currentFile(): Promise<{path: string; bytes: number}> {
    const last = this.#files.at(-1)
    if (last !== undefined && this.#handle !== undefined && last.bytes < FILE_BYTES) return last
    await this.#closeFile()
    this.#created += 1
    const file = {path: join(this.#folder, `${this.#name}-${this.#created}`), bytes: 0}
    this.#handle = await open(file.path, 'wx', 0o600)
    this.#files.push(file)
    return file
  }

  async #closeFile(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }
}
