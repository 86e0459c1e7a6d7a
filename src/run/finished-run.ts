import {outcomeOf, type Outcome} from '../base/errors.ts'
import type {RunMode} from '../model/run-mode.ts'
import type {TableSet} from '../model/tables.ts'
import type {Diff} from '../sink/diff.ts'
import type {Preview} from '../sink/sink.ts'
import type {RunReport} from './job-run.ts'

/** This is known of a run before anything is read. */
export interface RunDescription {
  readonly job: string
  readonly mode: RunMode
  /** Its name, as people read it. */
  readonly warehouse: string
  readonly written: TableSet | undefined
  readonly source: string
  readonly account: string | null
  /** How flags were understood, where that may surprise. */
  readonly notes: readonly string[]
}

export interface SavedPlan {
  readonly path: string
  readonly id: string
  readonly expiresAt: Date
}

export interface FinishedRun {
  readonly description: RunDescription
  readonly runId: string
  readonly startedAt: Date
  readonly seconds: number
  readonly report: RunReport
  readonly preview: Preview | undefined
  /** What it would change, or changed in test tables; `undefined` where nobody asked for it, or the run failed. */
  readonly diff: Diff | undefined
  /** What it would do is kept in this file, to be applied. */
  readonly plan?: SavedPlan
  /** No warehouse was opened, so nothing was known to be stored. */
  readonly storedUnknown: boolean
  readonly limited: boolean
}

export const outcomeOfRun = ({error, firstRejects}: RunReport): Outcome => {
  if (error !== undefined) return outcomeOf(error)
  return firstRejects > 0 ? 'rejects' : 'done'
}
