import type {Stream} from '../source.ts'

export type EndOfRun = 'done' | 'failed' | 'undone' | 'open'

/** Says which runs the event log is asked for. */
export interface WantedRuns {
  readonly job?: string
  readonly runId?: string
  /** The whole id of a run, its beginning or its end. */
  readonly named?: string
  /** Runs that began earlier are left out; milliseconds since 1970. */
  readonly since?: number
  /** `open`: it has not said that it ended. */
  readonly ended?: EndOfRun
  /** Runs that took none of these are left out; one that does not say what it took may have. */
  readonly streams?: readonly Stream[]
  /** Runs that took their streams before this `RunEvent.place` are left out. */
  readonly from?: number
  /** Runs that logged nothing then or later are left out; milliseconds since 1970. */
  readonly heardSince?: number
  /** Runs that promoted none of these test runs are left out. */
  readonly promoted?: readonly string[]
  /** Runs that did not apply this plan are left out. */
  readonly plan?: string
  /** The largest number of runs that are read, with all of their events. */
  readonly limit: number
}
