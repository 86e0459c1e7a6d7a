import type {Claim} from '../model/claim.ts'
import type {Counts} from '../model/counts.ts'
import type {SchemaPolicy} from '../model/schema-policy.ts'
import type {TimeWindow} from '../model/window.ts'
import type {Sink} from '../sink/sink.ts'
import type {Estimate} from '../source.ts'
import type {HeldWarehouse} from './held-warehouse.ts'
import type {Schedule} from './plan.ts'
import type {StreamChanges} from './record-shapes.ts'
import type {SliceReader} from './slice.ts'
import type {SweptKeys} from './swept-keys.ts'
import type {WindowRequest} from './window-request.ts'

/** A job that is ready to run: `runJob` is given everything and finds nothing out by itself. */
export interface JobRun extends SliceReader, Schedule {
  readonly sink: Sink
  readonly start: number
  readonly job: string
  readonly account: string | null
  readonly sourceSystem: string
  /** Hash of the options that say which records are read. */
  readonly selection: string
  readonly request: WindowRequest
  readonly startedAt: Date
  /** Attempts of one task have the same. */
  readonly claim?: Claim | undefined
  /** Milliseconds after which all keys are listed again; `undefined`: never. */
  readonly sweep: number | undefined
  readonly commitAfter: {readonly records: number; readonly milliseconds: number}
  /** Called with what is due before any of it is read. */
  readonly planned: (windows: readonly TimeWindow[]) => void
  /** Called after `planned`, where the source can count what it will take. */
  readonly estimated: (estimate: Estimate) => void
  readonly held: HeldWarehouse
  readonly maskSecrets: (text: string) => string
  /** What is done about records of a new shape. */
  readonly schema: SchemaPolicy
}

export interface SchemaReport {
  readonly policy: SchemaPolicy
  /** They are new in the shape of records that were read; nothing is new where nothing was known. */
  readonly changes: readonly StreamChanges[]
}

export interface RunReport {
  /** Counts of the whole slices that are in the warehouse; in a dry run, that were read. */
  readonly counts: Counts
  readonly windows: readonly TimeWindow[]
  readonly commits: number
  /** How many records were read and are not in the warehouse, because the run ended before their commit. */
  readonly dropped: number
  /** Rejects that no earlier run had. */
  readonly firstRejects: number
  /** Records of the job that are rejected and still not stored; counted where this run rejected some or read some again. */
  readonly openRejects?: number
  /** Milliseconds since 1970 where a plain run goes on; missing where the job's records have no time or coverage was not read. */
  readonly cursor?: {readonly before: number; readonly after: number}
  readonly schema: SchemaReport
  /** The streams were read before, but with another selection. */
  readonly newSelection: boolean
  /** Why the bookmark of an earlier run was dropped, in the source's words. */
  readonly droppedBookmark?: string
  /** What a sweep found; missing where none was due. */
  readonly swept?: SweptKeys
  /** Bytes that the warehouse billed for the whole run; missing where nothing is billed. */
  readonly bytesBilled?: number
  readonly error?: unknown
}
