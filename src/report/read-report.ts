import {kindOfReason} from '../model/reject-reason.ts'
import type {TableSet} from '../model/tables.ts'
import {nameOfStream} from '../model/stream.ts'
import {pastRuns, type PastRun} from '../run/past-runs.ts'
import {MOST_REJECTS, type Reject, type StreamScope, type Warehouse} from '../warehouse/warehouse.ts'
import type {ReportDocument, ReportedRun} from './documents/report.ts'
import {pastRunMemberOf} from './past-runs-text.ts'
import {datedChanges, diffMemberOf} from './schema-text.ts'
import {gapMemberOf, gapsIn, tableSetMemberOf} from './warehouse-text.ts'

/** So many facts of drift are shown. */
const MOST_DRIFT = 200

type Members<Names extends keyof ReportDocument> = Pick<ReportDocument, Names>
export type ReportedTables = Members<'stored' | 'gaps'> &
  Members<'runs' | 'more_runs'> &
  Members<'rejects' | 'more_rejects'> &
  Members<'drift' | 'more_drift'>

/** Reads what a report tells of two tables: how far they are covered, the newest runs, open rejects by reason, and drift. */
export async function readReport(warehouse: Warehouse, tables: TableSet, mostRuns: number): Promise<ReportedTables> {
  const description = await warehouse.describe(tables)
  const {streams} = description
  const runs = await pastRuns(await warehouse.readRunEvents(tables, {limit: mostRuns + 1}))
  const jobs = new Set([...streams, ...runs].map(({job}) => job))
  return {
    stored: tableSetMemberOf(description),
    gaps: gapsIn(streams).map(gapMemberOf),
    runs: runs.slice(0, mostRuns).map(runMemberOf),
    more_runs: runs.length > mostRuns,
    ...(await readOpenRejects(warehouse, tables, [...jobs].toSorted())),
    ...(await readDrift(warehouse, tables, streams)),
  }
}

export const runMemberOf = (run: PastRun): ReportedRun => {
  const {windows: _, commits, ...member} = pastRunMemberOf(run)
  return {...member, kind: kindOfRun(run), commits: commits.length, bytes_billed: run.bytesBilled ?? null}
}

function kindOfRun({promotes, seeds, undoes, applies}: PastRun): ReportedRun['kind'] {
  if (promotes.length > 0) return 'promotion'
  if (seeds !== undefined) return 'seed'
  if (undoes.length > 0) return 'undo'
  return applies === undefined ? 'run' : 'plan'
}

async function readOpenRejects(
  warehouse: Warehouse,
  tables: TableSet,
  jobs: readonly string[],
): Promise<Members<'rejects' | 'more_rejects'>> {
  const kinds: ReportDocument['rejects'][number][] = []
  let more = false
  for (const job of jobs) {
    const rejects = (await warehouse.readRejects(tables, {of: {job}, closedToo: false, limit: MOST_REJECTS})) ?? []
    more ||= rejects.length >= MOST_REJECTS
    kinds.push(...rejectsByReason(job, rejects))
  }
  return {rejects: kinds.toSorted((one, other) => other.count - one.count), more_rejects: more}
}

/** Numbers differ from record to record, and are no part of a reason. */
export function rejectsByReason(job: string, rejects: readonly Reject[]): ReportDocument['rejects'] {
  const byReason = new Map<string, ReportDocument['rejects'][number]>()
  for (const {stream, reason: text, at} of rejects) {
    const reason = kindOfReason(text)
    const key = JSON.stringify([nameOfStream(stream), reason])
    const {count = 0, newest = at} = byReason.get(key) ?? {}
    byReason.set(key, {
      job,
      source_system: stream.sourceSystem,
      object_type: stream.objectType,
      reason,
      count: count + 1,
      newest: newest > at ? newest : at,
    })
  }
  return [...byReason.values()]
}

/** What is known of a shape is of its stream, whatever job read it. */
async function readDrift(
  warehouse: Warehouse,
  tables: TableSet,
  streams: readonly StreamScope[],
): Promise<Members<'drift' | 'more_drift'>> {
  const scopes = [...new Map(streams.map((scope) => [nameOfStream(scope.stream), scope])).values()]
  if (scopes.length === 0) return {drift: [], more_drift: false}
  const states = await warehouse.readStreamStates(tables, scopes)
  const schemas = scopes.map((scope, index) => ({scope, events: states[index]?.schema ?? []}))
  const changes = datedChanges(schemas).toReversed()
  const drift = changes.slice(0, MOST_DRIFT).map((change) => {
    // The key of a record is of no use to somebody who only looks on.
    const {example: _, ...fact} = diffMemberOf(change)
    return fact
  })
  return {drift, more_drift: changes.length > MOST_DRIFT}
}
