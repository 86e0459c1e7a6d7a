import type {Event} from '../../../src/model/events.ts'
import type {LoggedEvent, StoredRecord} from '../../../src/warehouse/warehouse.ts'
import type {MemoryRow} from './tables.ts'

export const runEventOf = (event: Event): LoggedEvent => ({
  runId: event.correlation_id,
  type: event.event_type,
  sourceSystem: event.source_system,
  objectType: event.object_type ?? '',
  at: Date.parse(event.created_at),
  error: event.error_message,
  payload: event.payload,
})

export function recordIn(log: readonly Event[], row: MemoryRow | undefined, idemKey: string): StoredRecord {
  const seen = row === undefined ? [] : [row.firstSeen, row.lastSeen]
  const events = log.filter(
    (event) =>
      event.idem_key === idemKey ||
      (event.event_type === 'record.rejected' && event.payload?.['reference'] === idemKey) ||
      (event.event_type === 'job.started' && seen.includes(Date.parse(event.created_at))),
  )
  return {
    row:
      row === undefined
        ? undefined
        : {
            externalId: row.externalId,
            payload: JSON.stringify(row.payload),
            firstSeen: row.firstSeen,
            lastSeen: row.lastSeen,
          },
    events: events.map(runEventOf),
  }
}
