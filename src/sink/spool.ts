import {open, rm, truncate, type FileHandle} from 'node:fs/promises'
import {join} from 'node:path'

import type {Event} from '../events.ts'
import {failure} from '../errors.ts'
import type {CommitBatch} from '../warehouse/warehouse.ts'
import {createRunFolder} from './run-folder.ts'

const FILE_BYTES = 64 * 1024 * 1024
const BUFFER_BYTES = 1024 * 1024
/** Characters of one line; a longer record gets a file of its own. */
const LARGE_LINE = 4 * 1024 * 1024
export const SPOOL_LIMITS = {bytes: 64 * 1024 ** 3, rows: 100_000_000} as const

/** A line of the record files, but for its sequence number. */
export interface SpoolableRecord {
  readonly idemKey: string
  readonly sourceSystem: string
  readonly objectType: string
  readonly externalId: string
  /** The payload as JSON text. */
  readonly json: string
}

/** What was spooled when the last slice ended. */
interface Position {
  readonly records: LinesPosition
  readonly events: LinesPosition
  readonly largeRecords: number
  readonly rows: number
}

/** Records and events of the commit to come, as files that only this user can read. */
export class Spool {
  readonly folder: string
  readonly #records: LineFiles
  readonly #events: LineFiles
  #largeRecords: string[] = []
  #largeBytes = 0
  #rows = 0
  #sequence = 0
  #sliceEnd: Position

  private constructor(folder: string) {
    this.folder = folder
    this.#records = new LineFiles(folder, 'records')
    this.#events = new LineFiles(folder, 'events')
    this.#sliceEnd = this.#position()
  }

  static async create(folder: string): Promise<Spool> {
    await createRunFolder(folder)
    return new Spool(folder)
  }

  get rows(): number {
    return this.#rows
  }

  async addRecord(record: SpoolableRecord): Promise<void> {
    this.#sequence += 1
    this.#rows += 1
    const {idemKey, sourceSystem, objectType, externalId, json} = record
    const line = `{"idem_key":${JSON.stringify(idemKey)},"source_system":${JSON.stringify(sourceSystem)},"object_type":${JSON.stringify(objectType)},"external_id":${JSON.stringify(externalId)},"sequence":${this.#sequence},"payload":${json}}\n`
    if (line.length < LARGE_LINE) await this.#records.add(line)
    else await this.#addLargeRecord(line)
    this.#assertWithinLimits()
  }

  async addEvent(event: Event): Promise<void> {
    await this.#events.add(`${JSON.stringify(event)}\n`)
  }

  /** What is spooled so far stays when a later slice fails. */
  async endSlice(): Promise<void> {
    await this.#flush()
    this.#sliceEnd = this.#position()
  }

  /** Drops what came after the last finished slice. */
  async dropUnfinishedSlice(): Promise<void> {
    await this.#flush()
    const {records, events, largeRecords, rows} = this.#sliceEnd
    await this.#records.cutBack(records)
    await this.#events.cutBack(events)
    await removeAll(this.#largeRecords.splice(largeRecords))
    this.#rows = rows
  }

  async batch(runStartedAt: Date): Promise<CommitBatch> {
    await this.#flush()
    return {
      runStartedAt,
      records: this.#records.paths(),
      largeRecords: [...this.#largeRecords],
      events: this.#events.paths(),
      rows: this.#rows,
    }
  }

  async clear(): Promise<void> {
    await this.#records.clear()
    await this.#events.clear()
    await removeAll(this.#largeRecords.splice(0))
    this.#largeBytes = 0
    this.#rows = 0
    this.#sliceEnd = this.#position()
  }

  async remove(): Promise<void> {
    await this.#records.close()
    await this.#events.close()
    await rm(this.folder, {recursive: true, force: true})
  }

  async #addLargeRecord(line: string): Promise<void> {
    const path = join(this.folder, `large-${this.#sequence}.json`)
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.writeFile(line)
    } finally {
      await handle.close()
    }
    this.#largeRecords.push(path)
    this.#largeBytes += Buffer.byteLength(line)
  }

  #assertWithinLimits(): void {
    const bytes = this.#records.bytes + this.#largeBytes
    if (bytes <= SPOOL_LIMITS.bytes && this.#rows <= SPOOL_LIMITS.rows) return
    throw failure(
      `one slice holds more than can be spooled (${this.#rows} records, ${bytes} bytes)`,
      'Set a shorter slice: for this job in lorchestra.yaml, so that it commits more often.',
    )
  }

  #position(): Position {
    return {
      records: this.#records.position(),
      events: this.#events.position(),
      largeRecords: this.#largeRecords.length,
      rows: this.#rows,
    }
  }

  async #flush(): Promise<void> {
    await this.#records.flush()
    await this.#events.flush()
  }
}

interface LinesPosition {
  readonly files: number
  readonly bytesInLast: number
}

/** Lines in files of about 64 MB. */
class LineFiles {
  readonly #folder: string
  readonly #name: string
  readonly #files: {path: string; bytes: number}[] = []
  #handle: FileHandle | undefined
  #buffer: string[] = []
  #buffered = 0
  #created = 0

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
  }

  get bytes(): number {
    return this.#files.reduce((sum, file) => sum + file.bytes, 0)
  }

  paths(): readonly string[] {
    return this.#files.filter(({bytes}) => bytes > 0).map(({path}) => path)
  }

  position(): LinesPosition {
    return {files: this.#files.length, bytesInLast: this.#files.at(-1)?.bytes ?? 0}
  }

  async add(line: string): Promise<void> {
    this.#buffer.push(line)
    this.#buffered += line.length
    if (this.#buffered >= BUFFER_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#buffered === 0) return
    const bytes = Buffer.from(this.#buffer.join(''))
    this.#buffer = []
    this.#buffered = 0
    const file = await this.#currentFile()
    await this.#handle?.appendFile(bytes)
    file.bytes += bytes.length
  }

  async cutBack({files, bytesInLast}: LinesPosition): Promise<void> {
    await this.close()
    await removeAll(this.#files.splice(files).map(({path}) => path))
    const last = this.#files.at(-1)
    if (last === undefined) return
    await truncate(last.path, bytesInLast)
    last.bytes = bytesInLast
  }

  async clear(): Promise<void> {
    await this.cutBack({files: 0, bytesInLast: 0})
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #currentFile(): Promise<{path: string; bytes: number}> {
    const last = this.#files.at(-1)
    if (last !== undefined && this.#handle !== undefined && last.bytes < FILE_BYTES) return last
    await this.close()
    this.#created += 1
    const file = {path: join(this.#folder, `${this.#name}-${this.#created}.ndjson`), bytes: 0}
    this.#handle = await open(file.path, 'wx', 0o600)
    this.#files.push(file)
    return file
  }
}

async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, {force: true})
}
