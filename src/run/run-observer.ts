import type {TimeWindow} from '../model/window.ts'
import type {Estimate, RateLimit} from '../source.ts'
import type {HostUpdate} from '../sources/box/hosted-source.ts'
import type {FinishedRun, RunDescription} from './finished-run.ts'
import type {SliceProgress} from './slice.ts'

export interface RunProgress extends SliceProgress, HostUpdate {
  /** The program that keeps the run from its warehouse; `null`: none any more. */
  readonly heldBy?: string | null
}

/** Hears what a person wants to see while jobs run. */
export interface RunObserver {
  described(description: RunDescription): void
  planned(description: RunDescription, windows: readonly TimeWindow[]): void
  estimated(description: RunDescription, estimate: Estimate & RateLimit): void
  /** Comparing a commit with what is stored may read so many bytes that are billed; nothing is read yet. */
  priced(description: RunDescription, bytes: number): void
  progressed(description: RunDescription, update: RunProgress): void
  finished(run: FinishedRun): void
  /** The job could not even begin. */
  refused(job: string, error: unknown): void
}

/** Tells somebody of production runs that failed or are degraded. What cannot be told is logged and changes no outcome. */
export interface Notifier {
  finished(run: FinishedRun): Promise<void>
  /** The job could not even begin. */
  refused(job: string, error: unknown): Promise<void>
}
