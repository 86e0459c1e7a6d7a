import {StreamCounts} from './counts.ts'
import {failure} from './errors.ts'
import {createEvent} from './events.ts'
import {keyProblem, keyRecord, type Rejection} from './keyed-record.ts'
import type {Sink} from './sink/sink.ts'
import type {SpoolableRecord} from './sink/spool.ts'
import type {HttpClient, JsonValue, Logger, Page, SecretStore, Source, SourceContext, Stream} from './source.ts'
import {untilAborted} from './until-aborted.ts'
import {windowAsText, type TimeWindow} from './window.ts'

const LARGEST_PAGE = 10_000
const RETURN_GRACE = 1000

/** What does not change from slice to slice. */
export interface SliceReader {
  readonly source: Source
  readonly options: unknown
  readonly runId: string
  readonly sink: Pick<Sink, 'known' | 'upsertObjects' | 'logEvent'>
  readonly http: HttpClient
  readonly secrets: SecretStore
  readonly log: Logger
  readonly signal: AbortSignal
  readonly maxRejects: number
  /** False with `--refetch`. */
  readonly askKnown: boolean
  readonly now: () => Date
  readonly resolvePath: (path: string) => string
  readonly observe: (update: SliceProgress) => void
}

export interface SliceProgress {
  readonly extracted?: number
  readonly listed?: number
  readonly waitingUntil?: Date
}

export interface Slice {
  readonly streams: readonly Stream[]
  readonly window: TimeWindow
  readonly bookmark?: JsonValue
  /** Records that the run may still take. */
  readonly limit: number
  /** Rejects of the run before this slice. */
  readonly rejectedBefore: number
  /** Filled with what became of this slice's records. */
  readonly counts: StreamCounts
}

export interface SliceResult {
  readonly bookmark?: JsonValue
  /** The limit was reached, so the slice may hold more. */
  readonly cut: boolean
}

/** Pulls one slice from the source, page by page, into the sink. */
export async function readSlice(reader: SliceReader, slice: Slice): Promise<SliceResult> {
  const intake = new SliceIntake(reader, slice)
  const pages = reader.source.extract(intake.context())[Symbol.asyncIterator]()
  let bookmark: JsonValue | undefined
  let exhausted = false
  try {
    while (!intake.full) {
      const step = await untilAborted(pages.next(), reader.signal)
      if (step.done === true) {
        exhausted = true
        break
      }
      await intake.take(step.value)
      if (step.value.bookmark !== undefined) bookmark = step.value.bookmark
    }
  } catch (error) {
    await closePages(pages, reader).catch((second: unknown) => {
      reader.log.debug('the source failed again while it was being closed', {
        error: second instanceof Error ? second.message : 'unknown',
      })
    })
    throw error
  }
  if (!exhausted) await closePages(pages, reader)
  await intake.finish(exhausted)
  return {cut: !exhausted, ...(exhausted && bookmark !== undefined && {bookmark})}
}

/** For what a source is asked before its slices are read. */
export function contextBetweenSlices(
  reader: SliceReader,
  streams: readonly Stream[],
  window: TimeWindow = {since: -Infinity, until: reader.now().getTime()},
): SourceContext<unknown> {
  const counts = new StreamCounts(streams.map(({objectType}) => objectType))
  return new SliceIntake(reader, {streams, window, limit: 0, rejectedBefore: 0, counts}).context()
}

/** Judges, counts and hands on what a source yields and reports during one slice. */
class SliceIntake {
  readonly #reader: SliceReader
  readonly #slice: Slice
  readonly #rejections: {stream: Stream; rejection: Rejection}[] = []
  readonly #rejectedBySource = new Map<string, number>()
  readonly #announces = new Set<string>()
  #taken = 0
  #recorded = 0
  #rejected: number

  constructor(reader: SliceReader, slice: Slice) {
    this.#reader = reader
    this.#slice = slice
    this.#rejected = slice.rejectedBefore
  }

  get full(): boolean {
    return this.#taken >= this.#slice.limit
  }

  context(): SourceContext<unknown> {
    const {options, http, secrets, log, signal, sink, askKnown, resolvePath, observe} = this.#reader
    const {streams, window, bookmark, counts} = this.#slice
    const since = Number.isFinite(window.since) ? {since: new Date(window.since)} : {}
    return {
      options,
      streams,
      window: {...since, until: new Date(window.until)},
      ...(bookmark !== undefined && {bookmark}),
      http,
      secrets,
      log,
      signal,
      resolvePath,
      known: async (idemKeys) => {
        const found = askKnown ? await sink.known(idemKeys) : new Set<string>()
        for (const key of idemKeys) if (found.has(key)) counts.of(this.#streamOfKey(key).objectType).known += 1
        return found
      },
      progress: ({objectType, listed, outside, gone, waitingUntil}) => {
        const reported = counts.of(this.#stream(objectType).objectType)
        if (listed !== undefined) this.#announces.add(this.#stream(objectType).objectType)
        reported.listed += listed ?? 0
        reported.outside += outside ?? 0
        reported.gone += gone ?? 0
        observe({...(listed !== undefined && {listed}), ...(waitingUntil !== undefined && {waitingUntil})})
      },
      reject: (reference, reason, objectType) => {
        const stream = this.#stream(objectType)
        this.#rejectedBySource.set(stream.objectType, (this.#rejectedBySource.get(stream.objectType) ?? 0) + 1)
        this.#reject(stream, {reference, reason})
      },
    }
  }

  async take(page: Page): Promise<void> {
    if (page.records.length > LARGEST_PAGE) {
      throw failure(
        `a page of ${page.records.length} records; a page holds at most ${LARGEST_PAGE}`,
        'This is a bug in the source: it must yield smaller pages.',
      )
    }
    const stream = this.#stream(page.objectType)
    const counts = this.#slice.counts.of(stream.objectType)
    const records = page.records.slice(0, this.#slice.limit - this.#taken)
    const accepted: SpoolableRecord[] = []
    for (const record of records) {
      this.#taken += 1
      const keyed = keyRecord(this.#reader.source, record, stream)
      if ('record' in keyed) accepted.push(keyed.record)
      else this.#reject(stream, keyed.rejection)
    }
    counts.extracted += records.length
    await this.#reader.sink.upsertObjects(accepted)
    for (const idemKey of page.deleted ?? []) await this.#recordDeletion(stream, idemKey)
    await this.#recordRejections()
    this.#reader.observe({extracted: records.length})
  }

  /** Nothing that the source listed may be missing. */
  async finish(exhausted: boolean): Promise<void> {
    await this.#recordRejections()
    for (const {objectType} of this.#slice.streams) {
      const counts = this.#slice.counts.of(objectType)
      const {extracted, known, outside, gone} = counts
      const accounted = extracted + known + outside + gone + (this.#rejectedBySource.get(objectType) ?? 0)
      if (exhausted && this.#announces.has(objectType) && counts.listed !== accounted) {
        throw failure(
          `the source listed ${counts.listed} records of ${objectType} but accounted for ${accounted} (${extracted} yielded, ${known} known, ${outside} outside of the window, ${gone} gone, ${accounted - extracted - known - outside - gone} rejected)`,
          'Nothing of this slice was written. Run again; if it happens again, it is a bug in the source.',
        )
      }
      counts.listed = accounted
    }
  }

  #stream(objectType: string | undefined): Stream {
    const {streams} = this.#slice
    const found =
      objectType === undefined && streams.length === 1
        ? streams[0]
        : streams.find((stream) => stream.objectType === objectType)
    if (found !== undefined) return found
    throw failure(
      `the source spoke of object type ${objectType ?? '(none)'}; this slice reads ${streams.map((stream) => stream.objectType).join(', ')}`,
      'This is a bug in the source: it must name one of the streams that it was asked for.',
    )
  }

  #streamOfKey(idemKey: string): Stream {
    return this.#stream(idemKey.slice(0, Math.max(0, idemKey.indexOf(':'))))
  }

  #reject(stream: Stream, rejection: Rejection): void {
    this.#rejections.push({stream, rejection})
    this.#slice.counts.of(stream.objectType).rejected += 1
    this.#rejected += 1
    this.#reader.log.warn(`rejected ${rejection.reference}: ${rejection.reason}`, {objectType: stream.objectType})
    this.#assertFewRejects(rejection)
  }

  #assertFewRejects(last: Rejection | undefined): void {
    const {maxRejects} = this.#reader
    if (this.#rejected <= maxRejects) return
    throw failure(
      `more than ${maxRejects} records were rejected${last === undefined ? '' : `, the last one ${last.reference}: ${last.reason}`}`,
      'See the log for all of them; raise max_rejects for this job in lorchestra.yaml to store the good ones.',
    )
  }

  async #recordRejections(): Promise<void> {
    // The source may have swallowed the error that its call of reject() threw.
    this.#assertFewRejects(this.#rejections.at(-1)?.rejection)
    for (const {stream, rejection} of this.#rejections.splice(0)) {
      await this.#reader.sink.logEvent(
        createEvent({
          ...this.#about(stream, 'record.rejected'),
          discriminator: JSON.stringify([windowAsText(this.#slice.window), rejection.reference, (this.#recorded += 1)]),
          error: rejection.reason,
          payload: {...rejection},
        }),
      )
    }
  }

  async #recordDeletion(stream: Stream, idemKey: string): Promise<void> {
    const problem = keyProblem(idemKey, stream)
    if (problem !== undefined) {
      throw failure(`the source reported a deletion that cannot be told: ${problem}`, 'This is a bug in the source.')
    }
    this.#slice.counts.of(stream.objectType).deleted += 1
    await this.#reader.sink.logEvent(createEvent({...this.#about(stream, 'object.deleted'), idemKey}))
  }

  #about<Type>(stream: Stream, type: Type) {
    const {runId, now} = this.#reader
    return {type, runId, at: now(), sourceSystem: stream.sourceSystem, objectType: stream.objectType}
  }
}

async function closePages(pages: AsyncIterator<Page>, {signal}: SliceReader): Promise<void> {
  const closing = pages.return?.()
  if (closing === undefined) return
  if (!signal.aborted) {
    await untilAborted(closing, signal)
    return
  }
  // A timer that keeps the process alive: the source may be waiting for nothing at all.
  const grace = new AbortController()
  const timer = setTimeout(() => grace.abort(signal.reason), RETURN_GRACE)
  try {
    await untilAborted(closing, grace.signal)
  } finally {
    clearTimeout(timer)
  }
}
