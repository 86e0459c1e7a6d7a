import {addCounts, noCounts, type Counts} from '../model/counts.ts'
import {asEventOf, createEvent, type Event} from '../model/events.ts'
import {mergeWindows, windowFrom, type TimeWindow, type WindowText} from '../model/window.ts'
import type {PlannedCommit} from '../sink/plan-manifest.ts'
import type {CommitCounts, RowCounts} from '../warehouse/commit-batch.ts'
import {moved} from './production-state.ts'
import type {Plan} from './read-plan.ts'

const NOTHING: RowCounts = {inserted: 0, updated: 0, unchanged: 0, duplicates: 0}

/** Throws where a commit would do something else with its rows than was planned, or would replace other values. */
export function assertAsPlanned(
  number: number,
  {counts: planned, digest}: PlannedCommit,
  {counts: found, digest: met}: {readonly counts: CommitCounts; readonly digest: string | undefined},
): void {
  const types = new Set([...planned.map(({objectType}) => objectType), ...found.keys()])
  for (const objectType of types) {
    const wanted = planned.find((one) => one.objectType === objectType)?.rows ?? NOTHING
    const rows = found.get(objectType) ?? NOTHING
    const kind = (['inserted', 'updated', 'unchanged', 'duplicates'] as const).find((one) => rows[one] !== wanted[one])
    if (kind === undefined) continue
    throw moved(
      `commit ${number} would leave ${rows[kind]} rows of ${objectType} ${kind}, and ${wanted[kind]} were planned: somebody who logged nothing changed rows`,
    )
  }
  if (digest === undefined || digest === met) return
  throw moved(
    `commit ${number} would write as many rows as were planned, but not the same ones or not over what they held: somebody who logged nothing changed rows`,
  )
}

/** Adds up what became of the records of a commit, as its events tell. */
export function countsOf({events}: PlannedCommit): Counts {
  const counts = noCounts()
  for (const {event_type: type, payload} of events) {
    if (type === 'ingestion.completed') addCounts(counts, payload?.['counts'] as Partial<Counts>)
  }
  return counts
}

/** Gives what commits have read. */
export const windowsOf = (commits: readonly PlannedCommit[]): readonly TimeWindow[] =>
  mergeWindows(
    commits.flatMap(({events}) =>
      events
        .filter(({event_type: type}) => type === 'ingestion.completed')
        .map(({payload}) => windowFrom(payload?.['window'] as unknown as WindowText)),
    ),
  )

export interface CommittingPlan {
  readonly plan: Plan
  readonly runId: string
  /** Counted from 0. */
  readonly place: number
  /** Bytes that the warehouse billed for it; `undefined` where nothing is billed. */
  readonly bytesBilled: number | undefined
}

/** Gives what the log tells of a commit: what the run would have told, as said now and by this run, and which plan it was of. */
export function eventsOfCommit({plan, runId, place, bytesBilled}: CommittingPlan): readonly Event[] {
  const at = new Date()
  const planned = plan.manifest.commits[place]?.events ?? []
  const applied = createEvent({
    type: 'plan.applied',
    runId,
    at,
    discriminator: `commit ${place + 1}`,
    payload: {schema: 1, plan: plan.id, commit: place + 1},
  })
  return [...planned.map((event) => asEventOf(runId, toldNow(event, at, bytesBilled))), applied]
}

function toldNow(event: Event, at: Date, bytesBilled: number | undefined): Event {
  if (event.event_type !== 'ingestion.completed') return event
  // What was billed for the plan is no part of the commit.
  const {bytes_billed: _, ...payload} = event.payload ?? {}
  return {
    ...event,
    created_at: at.toISOString(),
    payload: {...payload, ...(bytesBilled !== undefined && {bytes_billed: bytesBilled})},
  }
}
