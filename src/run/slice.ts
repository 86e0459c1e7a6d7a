import type {StreamCounts} from '../model/counts.ts'
import type {TimeWindow} from '../model/window.ts'
import type {Sink} from '../sink/sink.ts'
import type {JsonObject, JsonValue, Logger, SecretStore, Stream} from '../source.ts'
import type {RejectWarnings} from './reject-warnings.ts'
import type {HostedSource, HostUpdate} from '../sources/box/hosted-source.ts'
import type {PayloadLimits} from '../model/payload-limits.ts'
import type {StreamShape} from '../model/record-shape.ts'

/** All that does not change from slice to slice. */
export interface SliceReader {
  readonly source: HostedSource
  readonly options: unknown
  /** The job's `start:`; milliseconds since 1970. */
  readonly start?: number
  readonly runId: string
  readonly sink: Pick<Sink, 'known' | 'upsertObjects' | 'logEvent'>
  readonly secrets: SecretStore
  readonly log: Logger
  readonly signal: AbortSignal
  /** Those of the whole run. @default of the slice alone */
  readonly rejectWarnings?: RejectWarnings
  readonly maxRejects: number
  /** @default none */
  readonly payloadLimits?: PayloadLimits
  /** False with `--refetch`. */
  readonly askKnown: boolean
  readonly now: () => Date
  readonly observe: (update: SliceProgress & HostUpdate) => void
}

export interface SliceProgress extends Pick<HostUpdate, 'waitingUntil'> {
  readonly extracted?: number
  readonly listed?: number
  /** All of this was read, of what was planned, where nothing ends the run before the end of that. */
  readonly read?: TimeWindow
}

export interface Slice {
  readonly streams: readonly Stream[]
  readonly window: TimeWindow
  readonly bookmark?: JsonValue
  /** What a reject says beside its window of what was being read. */
  readonly about?: JsonObject
  /** The records to read, whatever their time. */
  readonly keys?: readonly string[]
  /** Records that the run may still take. */
  readonly limit: number
  /** How much earlier than the end of the window it may be at the service; milliseconds. Missing: that is of no matter. */
  readonly mostAhead?: number
  /** Asked between pages whether no more is wanted. Missing: what there is, up to the limit. */
  readonly isEnough?: () => boolean
  /** Rejects of the run before this slice. */
  readonly rejectedBefore: number
  /** Filled with what became of this slice's records. */
  readonly counts: StreamCounts
  /** Called when all that came before a checkpoint is with the sink and counted, and empties `counts`. Missing: it is passed over. */
  readonly atCheckpoint?: (part: PartResult) => Promise<void>
}

/** What came since the checkpoint before, or since the beginning. */
export interface PartResult {
  readonly bookmark: JsonValue
  readonly shapes: readonly StreamShape[]
}

export interface SliceResult {
  /** Those of what no part had. */
  readonly shapes: readonly StreamShape[]
  readonly bookmark?: JsonValue
}
