import type {Event} from '../../../src/model/events.ts'
import {mergeWindows, type TimeWindow} from '../../../src/model/window.ts'
import type {JsonValue} from '../../../src/source.ts'
import type {Reject, WantedRejects} from '../../../src/warehouse/warehouse.ts'
import {completedIn, undoneRunsIn, windowOf} from './coverage.ts'
import type {MemoryRow} from './tables.ts'

interface Rejected {
  readonly reference: string
  readonly job: string
  readonly account: string | null
  readonly selection: string
  readonly read_by: string
  readonly window: {readonly since: string | null; readonly until: string}
  readonly bookmark?: JsonValue
}

export function rejectsIn(
  log: readonly Event[],
  stored: ReadonlyMap<string, MemoryRow>,
  {of, closedToo, since: from = -Infinity, limit}: WantedRejects,
): readonly Reject[] | undefined {
  if ('runId' in of && !log.some((event) => event.correlation_id === of.runId)) return undefined
  const undone = undoneRunsIn(log)
  const rejects = log
    .filter(({event_type: type, created_at: at}) => type === 'record.rejected' && Date.parse(at) >= from)
    .map((event) => ({event, payload: event.payload as unknown as Rejected}))
    .filter(({event, payload}) => ('runId' in of ? event.correlation_id === of.runId : payload.job === of.job))
    .map(({event, payload}): Reject => {
      const stream = {sourceSystem: event.source_system, objectType: event.object_type ?? ''}
      const {job, account, selection, reference, bookmark} = payload
      const prefix = `${stream.objectType}:${stream.sourceSystem}:`
      const row = stored.get(reference.startsWith(prefix) ? reference : `${prefix}${reference}`)
      const again = readAgainIn(log, event, payload)
      const window = windowOf(payload)
      return {
        runId: event.correlation_id,
        stream,
        reference,
        reason: event.error_message ?? '',
        at: event.created_at,
        open:
          (row === undefined || row.lastSeen <= Date.parse(event.created_at)) &&
          !undone.has(event.correlation_id) &&
          !again.some(({since, until}) => since <= window.since && until >= window.until),
        rejectedIn: {job, account, selection, window, ...(bookmark !== undefined && {bookmark})},
      }
    })
  return rejects.filter(({open}) => closedToo || open).slice(0, limit)
}

/** What later runs read completely, merged for each of them. */
function readAgainIn(log: readonly Event[], rejected: Event, {job, account, read_by}: Rejected): readonly TimeWindow[] {
  const wanted = read_by === 'window' ? 'window' : 'earlier bookmark'
  const later = completedIn(log).filter(
    (one) =>
      one.event.correlation_id !== rejected.correlation_id &&
      log.indexOf(one.event) > log.indexOf(rejected) &&
      one.event.source_system === rejected.source_system &&
      one.event.object_type === rejected.object_type &&
      one.job === job &&
      one.account === account &&
      one.read_by === wanted &&
      !one.limited,
  )
  const runs = Map.groupBy(later, ({event}) => event.correlation_id)
  return [...runs.values()].flatMap((ofRun) => mergeWindows(ofRun.map(windowOf)))
}
