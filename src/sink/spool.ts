import {rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Event} from '../model/events.ts'
import {failure} from '../base/errors.ts'
import {SPOOL_HEAD, type SpoolableRecord} from '../model/raw-object-columns.ts'
import type {CommitBatch} from '../warehouse/warehouse.ts'
import {LineFiles, type LinesPosition} from './line-files.ts'
import {createRunFolder, removeRunFolder} from './run-folder.ts'
import {writingTemporaryFiles} from './temporary-files.ts'

/** A number beyond double precision: whatever reads it from a file of JSON lines would round it. */
const TOO_EXACT = /[:,[]-?(?:[1-9][\d.]{18,}|0\.0*[1-9]\d{17,}|[\d.]+[eE]-?\d{3})/
/** A line has at most so many bytes; a longer record gets a file of its own. */
const LARGE_LINE = 4 * 1024 * 1024
/** UTF-8 takes at most so many bytes for one character of a JavaScript string. */
const LONGEST_ENCODING = 3
const SPOOL_LIMITS = {bytes: 64 * 1024 ** 3, rows: 100_000_000} as const

/** The text in a line before each value of its head. */
const HEAD = SPOOL_HEAD.map(({name, field}, index) => ({
  before: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
  field,
}))

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
  readonly #records: LineFiles
  readonly #events: LineFiles
  #loneRecords: string[] = []
  #loneBytes = 0
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

  async addRecord(record: SpoolableRecord): Promise<void> {
    this.#sequence += 1
    this.#rows += 1
    const {json} = record
    const head = headOf(record, this.#sequence)
    const alone = isLarge(head, json) || TOO_EXACT.test(json)
    if (alone) await this.#addLoneRecord(`${head}${json}}\n`)
    else await this.#records.add([head, json, '}\n'])
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

  async remove(): Promise<void> {
    await this.#records.close()
    await this.#events.close()
    await removeRunFolder(this.folder)
  }

  async #addLoneRecord(line: string): Promise<void> {
    const path = join(this.folder, `lone-${this.#sequence}.json`)
    await writingTemporaryFiles(this.folder, async () => writeFile(path, line, {flag: 'wx', mode: 0o600}))
    this.#loneRecords.push(path)
    this.#loneBytes += Buffer.byteLength(line)
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

function headOf(record: SpoolableRecord, sequence: number): string {
  let head = ''
  for (const {before, field} of HEAD) head += before + JSON.stringify(record[field])
  return `${head},"sequence":${sequence},"payload":`
}

/** Counts bytes only where the characters leave it open. */
function isLarge(head: string, json: string): boolean {
  if (LONGEST_ENCODING * (head.length + json.length) < LARGE_LINE) return false
  return Buffer.byteLength(head) + Buffer.byteLength(json) + '}\n'.length >= LARGE_LINE
}
