import type {Stream} from '../source.ts'

/** A stored row's key, and its payload as the warehouse gives it. */
export interface StoredPayload {
  readonly idemKey: string
  /** JSON text. */
  readonly payload: string
}

export interface WantedPayloads {
  readonly stream: Stream
  /** About so many percent of the rows, whichever are cheap to read; missing: all of them. */
  readonly samplePercent?: number | undefined
  /** Hears, where reading is billed, what it will read, in bytes and by the service's own estimate, before it does. */
  readonly priced?: (bytes: number) => void
}
