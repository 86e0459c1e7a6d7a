import {StreamCounts} from '../model/counts.ts'
import {failure, messageWithCauses} from '../base/errors.ts'
import {jsonText} from '../base/json-text.ts'
import type {PayloadLimits} from './keyed-record.ts'
import type {Sink} from '../sink/sink.ts'
import type {HttpClient, JsonValue, Logger, SecretStore, Source, SourceContext, Stream} from '../source.ts'
import {SliceIntake} from './slice-intake.ts'
import {SourcePages} from './source-pages.ts'
import type {TimeWindow} from '../model/window.ts'

/** What does not change from slice to slice. */
export interface SliceReader {
  readonly source: Source
  readonly options: unknown
  /** Of the job; milliseconds. */
  readonly start?: number
  readonly runId: string
  readonly sink: Pick<Sink, 'known' | 'upsertObjects' | 'logEvent'>
  readonly http: HttpClient
  readonly secrets: SecretStore
  readonly log: Logger
  readonly signal: AbortSignal
  readonly maxRejects: number
  /** Left out: none. */
  readonly payloadLimits?: PayloadLimits
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
  const pages = new SourcePages(reader.source.extract(intake.context()), reader.signal)
  let bookmark: JsonValue | undefined
  let exhausted = false
  try {
    while (!intake.full) {
      const page = await pages.next()
      if (page === undefined) {
        exhausted = true
        break
      }
      await intake.take(page)
      if (page.bookmark !== undefined) bookmark = assertJson(page.bookmark, 'bookmark')
    }
  } catch (error) {
    await pages.close().catch((second: unknown) => {
      reader.log.debug(`the source failed again while it was being closed: ${messageWithCauses(second)}`)
    })
    throw error
  }
  if (!exhausted) await pages.close()
  await intake.finish(exhausted)
  return {cut: !exhausted, ...(exhausted && bookmark !== undefined && {bookmark})}
}

/** Kept with a commit, so it must be something that can be kept. */
export function assertJson(value: JsonValue, what: string): JsonValue {
  const json = jsonText(value)
  if ('text' in json) return value
  throw failure(`the source gave a ${what} that cannot be kept: ${json.problem}`, 'This is a bug in the source.')
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
