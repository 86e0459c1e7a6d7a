import {isSameStream} from '../model/stream.ts'
import {asError, failure, oneLine, sourceBug} from '../base/errors.ts'
import {createEvent} from '../model/events.ts'
import {columnOutOfPlace} from '../model/record-head.ts'
import type {HostContext, KeyedPage} from '../sources/box/hosted-source.ts'
import {externalIdIn, keyProblem, type Rejection} from '../sources/box/keyed-record.ts'
import {lateReport} from '../sources/box/late-report.ts'
import {streamNamed} from '../sources/box/stream-named.ts'
import {RejectWarnings} from './reject-warnings.ts'
import {ServiceClock} from './service-clock.ts'
import type {Slice, SliceReader} from './slice.ts'
import {tooManyRejects} from './too-many-rejects.ts'
import type {SpoolableRecord} from '../model/raw-object-columns.ts'
import type {Progress, Stream} from '../source.ts'
import {windowAsText} from '../model/window.ts'

const LONGEST = {reference: 500, reason: 1000}

/** Judges, counts and hands on what a source yields and reports during one slice. */
export class SliceIntake {
  readonly #reader: SliceReader
  readonly #slice: Slice
  readonly #rejections: {stream: Stream; rejection: Rejection}[] = []
  readonly #rejectedBySource = new Map<string, number>()
  readonly #announces = new Set<string>()
  readonly #warnings: RejectWarnings
  readonly #clock = new ServiceClock()
  #misuse: Error | undefined
  #ended = false
  #taken = 0
  #recorded = 0
  #rejected: number

  constructor(reader: SliceReader, slice: Slice) {
    this.#reader = reader
    this.#slice = slice
    this.#rejected = slice.rejectedBefore
    this.#warnings = reader.rejectWarnings ?? new RejectWarnings(reader.log)
    if (slice.keys === undefined) return
    for (const key of slice.keys) this.#announce(this.#streamOfKey(key), 1)
    reader.observe({listed: slice.keys.length})
  }

  get full(): boolean {
    return this.#taken >= this.#slice.limit || this.#slice.isEnough?.() === true
  }

  context(): HostContext {
    const {options, start = -Infinity, secrets, log, signal, sink, askKnown} = this.#reader
    const {streams, window, bookmark, keys, counts} = this.#slice
    const since = Number.isFinite(window.since) ? {since: new Date(window.since)} : {}
    return {
      options,
      streams,
      window: {...since, until: new Date(window.until)},
      ...(Number.isFinite(start) && {start: new Date(start)}),
      ...(bookmark !== undefined && {bookmark}),
      ...(keys !== undefined && {keys}),
      secrets,
      log,
      signal,
      observe: (update) => {
        this.#clock.hear(update.serverTime)
        this.#reader.observe(update)
      },
      known: async (idemKeys) => {
        this.#reportingMisuse(() => assertTexts(idemKeys))
        const found = askKnown ? await sink.known(idemKeys) : new Set<string>()
        for (const key of idemKeys) if (found.has(key)) counts.of(this.#streamOfKey(key).objectType).known += 1
        return found
      },
      stored: async (idemKeys) => {
        this.#reportingMisuse(() => assertTexts(idemKeys))
        return sink.known(idemKeys)
      },
      progress: (update) => this.#reportingMisuse(() => this.#progress(update)),
      reject: (reference: unknown, reason: unknown, objectType) =>
        this.#reportingMisuse(() => {
          const stream = this.#stream(objectType)
          this.#rejectedBySource.set(stream.objectType, (this.#rejectedBySource.get(stream.objectType) ?? 0) + 1)
          this.#reject(stream, {reference: String(reference), reason: String(reason)})
        }),
    }
  }

  /** Takes a page whose keys were made beside the source, and trusts nothing in it. */
  async take({objectType, records, rejections, extracted, deleted = []}: KeyedPage): Promise<void> {
    this.#assertNoMisuse()
    this.#clock.assertIsAsFar(this.#slice)
    const stream = this.#stream(objectType)
    this.#taken += extracted
    if (this.#taken > this.#slice.limit || extracted !== records.length + rejections.length)
      throw sourceBug('the source gave another number of records than it said')
    for (const record of records) assertOfStream(record, stream)
    for (const rejection of rejections) this.#reject(stream, rejection)
    this.#slice.counts.of(stream.objectType).extracted += extracted
    await this.#reader.sink.upsertObjects(records)
    for (const idemKey of deleted) await this.#recordDeletion(stream, idemKey)
    await this.#recordRejections()
    this.#reader.observe({extracted})
  }

  /** Ends the slice: it is counted, and the source may report nothing more. */
  end(): void {
    this.#ended = true
  }

  /** Nothing that the source listed may be missing, since the beginning or the last checkpoint. */
  async finish(exhausted: boolean): Promise<void> {
    this.#assertNoMisuse()
    this.#clock.assertIsAsFar(this.#slice)
    await this.#recordRejections()
    for (const {objectType} of this.#slice.streams) {
      const counts = this.#slice.counts.of(objectType)
      const {extracted, known, outside, gone} = counts
      const accounted = extracted + known + outside + gone + (this.#rejectedBySource.get(objectType) ?? 0)
      if (exhausted && this.#announces.has(objectType) && counts.listed !== accounted) {
        throw failure(
          `the source listed ${counts.listed} records of ${objectType} but accounted for ${accounted} (${extracted} yielded, ${known} known, ${outside} outside of the window, ${gone} gone, ${accounted - extracted - known - outside - gone} rejected)`,
          {
            code: 'E_RECORDS_MISSING',
            next: 'Nothing of it was written. Run again; if it happens again, it is a bug in the source.',
          },
        )
      }
      counts.listed = accounted
    }
    this.#announces.clear()
    this.#rejectedBySource.clear()
  }

  /** What a source does wrong fails the slice, even if the source swallows the error that it is told. */
  #reportingMisuse(report: () => void): void {
    try {
      this.#assertNotEnded()
      report()
    } catch (error) {
      this.#misuse ??= asError(error)
      throw this.#misuse
    }
  }

  #assertNotEnded(): void {
    if (!this.#ended) return
    throw lateReport()
  }

  #assertNoMisuse(): void {
    if (this.#misuse !== undefined) throw this.#misuse
  }

  #progress({objectType, listed, outside, gone, waitingUntil}: Progress): void {
    const stream = this.#stream(objectType)
    for (const [name, count] of Object.entries({listed, outside, gone})) {
      if (count === undefined || (Number.isSafeInteger(count) && count >= 0)) continue
      throw sourceBug(`the source reported ${String(count)} records as ${name}`, {rule: 'it must report whole numbers'})
    }
    if (listed !== undefined) this.#announce(stream, listed)
    const reported = this.#slice.counts.of(stream.objectType)
    reported.outside += outside ?? 0
    reported.gone += gone ?? 0
    this.#reader.observe({...(listed !== undefined && {listed}), ...(waitingUntil !== undefined && {waitingUntil})})
  }

  #announce({objectType}: Stream, listed: number): void {
    this.#announces.add(objectType)
    this.#slice.counts.of(objectType).listed += listed
  }

  #stream(objectType: string | undefined): Stream {
    return streamNamed(objectType, this.#slice.streams)
  }

  #streamOfKey(idemKey: string): Stream {
    return this.#stream(idemKey.slice(0, Math.max(0, idemKey.indexOf(':'))))
  }

  #reject(stream: Stream, {reference, reason}: Rejection): void {
    const rejection = {
      reference: oneLine(reference, LONGEST.reference),
      reason: oneLine(reason, LONGEST.reason),
    }
    this.#rejections.push({stream, rejection})
    this.#slice.counts.of(stream.objectType).rejected += 1
    this.#rejected += 1
    this.#warnings.add(stream.objectType, rejection)
    this.#assertFewRejects(rejection)
  }

  #assertFewRejects(last: Rejection): void {
    const {maxRejects} = this.#reader
    if (this.#rejected <= maxRejects) return
    throw tooManyRejects(maxRejects, last)
  }

  async #recordRejections(): Promise<void> {
    const {window, bookmark, about} = this.#slice
    const met = {
      ...about,
      window: windowAsText(window),
      read_by: bookmark === undefined ? 'window' : 'bookmark',
      ...(bookmark !== undefined && {bookmark}),
    }
    for (const {stream, rejection} of this.#rejections.splice(0)) {
      await this.#reader.sink.logEvent(
        createEvent({
          ...this.#about(stream, 'record.rejected'),
          discriminator: JSON.stringify([met.window, rejection.reference, (this.#recorded += 1)]),
          error: rejection.reason,
          payload: {...rejection, ...met},
        }),
      )
    }
  }

  async #recordDeletion(stream: Stream, idemKey: string): Promise<void> {
    const problem = keyProblem(idemKey, stream)
    if (problem !== undefined) {
      throw sourceBug(`the source reported a deletion that cannot be told: ${problem}`)
    }
    this.#slice.counts.of(stream.objectType).deleted += 1
    await this.#reader.sink.logEvent(createEvent({...this.#about(stream, 'object.deleted'), idemKey}))
  }

  #about<Type>(stream: Stream, type: Type) {
    const {runId, now} = this.#reader
    return {type, runId, at: now(), sourceSystem: stream.sourceSystem, objectType: stream.objectType}
  }
}

/** Whatever runs in the box may have put together what it likes: another stream's key, or two records in one text. */
function assertOfStream(record: SpoolableRecord, stream: Stream): void {
  const {idemKey, externalId, json} = record
  const column = columnOutOfPlace(record)
  const problem = column === undefined ? keyProblem(idemKey, stream) : `its ${column} holds a control character`
  if (
    problem === undefined &&
    isSameStream(record, stream) &&
    externalId === externalIdIn(idemKey, stream) &&
    isBraced(json)
  )
    return
  throw sourceBug(`the source gave a record that is none of its stream${problem === undefined ? '' : `: ${problem}`}`)
}

/** What stands between the braces is parsed where it is stored. */
const isBraced = (json: Uint8Array): boolean => json[0] === 0x7b && json.at(-1) === 0x7d

function assertTexts(idemKeys: unknown): void {
  if (Array.isArray(idemKeys) && idemKeys.every((key) => typeof key === 'string')) return
  throw sourceBug('the source asked whether something is known that is no list of idem keys')
}
