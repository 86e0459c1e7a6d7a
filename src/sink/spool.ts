import {rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Event} from '../model/events.ts'
import {failure} from '../base/errors.ts'
import {giveMemoryBack, WORTH_GIVING_BACK} from '../base/spent-memory.ts'
import type {SpoolableRecord} from '../model/raw-object-columns.ts'
import {LARGEST_LINE, type RecordLines} from '../warehouse/record-lines.ts'
import type {CommitBatch} from '../warehouse/commit-batch.ts'
import {LineFiles, type LinesPosition} from './line-files.ts'
import {createRunFolder, removeRunFolder} from './run-folder.ts'
import {writingTemporaryFiles} from './temporary-files.ts'

/** A record with so many bytes gets a file of its own; what stands before a payload has a few kilobytes. */
const LARGE_PAYLOAD = LARGEST_LINE - 64 * 1024
const SPOOL_LIMITS = {bytes: 64 * 1024 ** 3, rows: 100_000_000} as const

/** A position is what was spooled when the last slice ended. */
interface Position {
  readonly records: LinesPosition
  readonly events: LinesPosition
  readonly loneRecords: number
  readonly rows: number
}

/** Records and events of the commit to come, as files that only this user can read. */
export class Spool {
  readonly folder: string
  readonly #number: number
  readonly #lines: RecordLines
  readonly #records: LineFiles
  readonly #events: LineFiles
  #loneRecords: string[] = []
  #loneBytes = 0
  #rows = 0
  #sequence = 0
  #sliceEnd: Position

  private constructor(folder: string, lines: RecordLines, number: number) {
    this.folder = folder
    this.#lines = lines
    this.#number = number
    this.#records = new LineFiles(folder, `records-${number}`)
    this.#events = new LineFiles(folder, `events-${number}`)
    this.#sliceEnd = this.#position()
  }

  static async create(folder: string, lines: RecordLines): Promise<Spool> {
    await createRunFolder(folder)
    return new Spool(folder, lines, 1)
  }

  /** Gives an empty one beside this one, for what comes while this one is committed. */
  next(): Spool {
    return new Spool(this.folder, this.#lines, this.#number + 1)
  }

  async addRecord(record: SpoolableRecord): Promise<void> {
    this.#sequence += 1
    this.#rows += 1
    const {before, payload: payloadOf, after} = this.#lines
    const head = before(record, this.#sequence)
    const payload = payloadOf === undefined ? record.json : payloadOf(record.json)
    const line = [head, payload, after]
    if (payload.length < LARGE_PAYLOAD) await this.#records.add(line)
    else await this.#addLoneRecord(line)
    this.#assertWithinLimits()
  }

  async addEvent(event: Event): Promise<void> {
    await this.#events.add([JSON.stringify(event), '\n'])
  }

  /** Keeps what is spooled so far when a later slice fails. */
  async endSlice(): Promise<void> {
    await this.#flush()
    this.#sliceEnd = this.#position()
  }

  /** Drops what came after the last finished slice. */
  async dropUnfinishedSlice(): Promise<void> {
    const {records, events, loneRecords, rows} = this.#sliceEnd
    await this.#records.cutBack(records)
    await this.#events.cutBack(events)
    await removeAll(this.#loneRecords.splice(loneRecords))
    this.#rows = rows
  }

  async batch(runStartedAt: Date): Promise<CommitBatch> {
    await this.#flush()
    // A warehouse that works in this process needs it now.
    if (this.#records.bytes >= WORTH_GIVING_BACK) giveMemoryBack()
    return {
      runStartedAt,
      records: this.#records.paths(),
      loneRecords: [...this.#loneRecords],
      events: this.#events.paths(),
      rows: this.#rows,
    }
  }

  async clear(): Promise<void> {
    await this.#records.clear()
    await this.#events.clear()
    await removeAll(this.#loneRecords.splice(0))
    this.#loneBytes = 0
    this.#rows = 0
    this.#sliceEnd = this.#position()
  }

  /** Lets go of its files, and removes the folder with all that is in it. */
  async remove(): Promise<void> {
    await this.close()
    await removeRunFolder(this.folder)
  }

  async close(): Promise<void> {
    await this.#records.close()
    await this.#events.close()
  }

  async #addLoneRecord(line: readonly (string | Uint8Array)[]): Promise<void> {
    const path = join(this.folder, `lone-${this.#number}-${this.#sequence}`)
    const bytes = Buffer.concat(line.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
    await writingTemporaryFiles(this.folder, async () => writeFile(path, bytes, {flag: 'wx', mode: 0o600}))
    this.#loneRecords.push(path)
    this.#loneBytes += bytes.length
  }

  #assertWithinLimits(): void {
    const bytes = this.#records.bytes + this.#loneBytes
    if (bytes <= SPOOL_LIMITS.bytes && this.#rows <= SPOOL_LIMITS.rows) return
    throw failure(`one slice holds more than can be spooled (${this.#rows} records, ${bytes} bytes)`, {
      code: 'E_SLICE_TOO_LARGE',
      next: 'Set a shorter slice: for this job in lorchestra.yaml, so that it commits more often.',
    })
  }

  #position(): Position {
    return {
      records: this.#records.position(),
      events: this.#events.position(),
      loneRecords: this.#loneRecords.length,
      rows: this.#rows,
    }
  }

  async #flush(): Promise<void> {
    await this.#records.flush()
    await this.#events.flush()
  }
}

async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, {force: true})
}
