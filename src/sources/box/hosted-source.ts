import type {JsonValue, LoginContext, Source, SourceContext, Stream} from '../../source.ts'
import type {SpoolableRecord} from '../../model/raw-object-columns.ts'
import type {PayloadLimits} from '../../model/payload-limits.ts'
import type {StreamShape} from '../../model/record-shape.ts'
import type {KeyOfRecord, Rejection} from './keyed-record.ts'

/** The host gives this to a source that it asks; the rest of the context is made beside the source. */
export type HostContext = Omit<SourceContext<unknown>, 'http' | 'resolvePath' | 'parseJson'> & {
  readonly observe: (update: HostUpdate) => void
  /** Milliseconds that one request may take, with all of its tries and waits. @default ten minutes */
  readonly requestTime?: number
  /** Address that `explore` asks instead of what the job reads. */
  readonly address?: string
}

export type HostLoginContext = Omit<LoginContext<unknown>, 'http'>

/** What the client of a source tells while it asks the service. */
export interface HostUpdate {
  readonly units?: number
  readonly waitingUntil?: Date
  /** What the service's clock says. */
  readonly serverTime?: Date
}

export interface ReadLimits {
  /** Records that the run may still take. */
  readonly records: number
  /** What was read before a checkpoint may be stored by itself, so that its shapes come with the checkpoint. */
  readonly inParts?: true
  readonly payload?: PayloadLimits
}

/** A page whose records have their keys and are JSON text. */
export interface KeyedPage {
  readonly objectType?: string
  /** The number of records that the source yielded: those below and the rejected ones. */
  readonly extracted: number
  readonly records: readonly SpoolableRecord[]
  readonly rejections: readonly Rejection[]
  readonly deleted?: readonly string[]
  readonly bookmark?: JsonValue
  readonly checkpoint?: true
  /** Where a slice is read in parts, a checkpoint gives the shapes of the part that it ends. */
  readonly shapes?: readonly StreamShape[]
}

/**
 * When it ends, or is told to, it gives the shapes of the records that it keyed since the last page with shapes, one for each
 * stream that had any.
 */
export type KeyedPageIterator = AsyncIterator<KeyedPage, readonly StreamShape[]>

/**
 * What the host knows of a source, and asks it. Its code runs in a box; only tests run it in their own process. Options are
 * what `options` answered; each answer stands for the value that stays with the source.
 */
export interface HostedSource extends Pick<
  Source,
  | 'apiVersion'
  | 'name'
  | 'summary'
  | 'options'
  | 'secrets'
  | 'selection'
  | 'narrowing'
  | 'defaults'
  | 'starter'
  | 'rateLimit'
  | 'streams'
> {
  /** What it starts is outside of its box, so no mode keeps it from writing. */
  readonly spawns?: true
  extract(context: HostContext, limits: ReadLimits): {[Symbol.asyncIterator](): KeyedPageIterator}
  /** Tells which keys records have whose payloads are stored, in their order. Up to 10,000 of them; nothing is contacted. */
  keysOf(
    of: Pick<HostContext, 'options'> & {readonly stream: Stream},
    payloads: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<readonly KeyOfRecord[]>
  listKeys?(context: HostContext): AsyncIterable<readonly string[]>
  estimate?(context: HostContext): Promise<unknown>
  currentBookmark?(context: HostContext): Promise<JsonValue | undefined>
  canResume?(context: HostContext): Promise<boolean>
  check?(context: HostContext): Promise<{readonly identity: string} | undefined>
  explore?(context: HostContext): Promise<unknown>
  needsLogin?(account: Pick<HostContext, 'options' | 'secrets'>): Promise<boolean>
  login?(context: HostLoginContext): Promise<void>
}
