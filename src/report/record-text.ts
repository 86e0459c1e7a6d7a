import {nameOfStream} from '../model/stream.ts'
import {parseExactly} from '../base/exact-json.ts'
import {printable} from '../base/printable.ts'
import type {RecordKey, LoggedEvent, StoredRecord, StoredRow} from '../warehouse/warehouse.ts'
import type {ShowDocument} from './documents/show.ts'
import {indentJson} from './indented-json.ts'
import type {Screen} from '../base/screen.ts'
import {formatFacts, formatTable, type Column, type Fact} from './text-table.ts'
import {formatWhen} from './time-text.ts'

export interface ShownRecord extends RecordKey {
  readonly warehouse: string
  readonly table: string
  readonly row: StoredRow
  readonly events: StoredRecord['events']
}

export function formatRecord(record: ShownRecord, mask: (text: string) => string, screen: Screen): string {
  const {table, idemKey, row} = record
  const from = (run: string | undefined): string => (run === undefined ? '' : ` (${run})`)
  const facts: readonly Fact[] = [
    ['key', idemKey],
    ['external id', row.externalId ?? '-'],
    ['table', table],
    ['first seen', `${instant(row.firstSeen)}${from(runAt(record, row.firstSeen))}`],
    ['last seen', `${instant(row.lastSeen)}${from(runAt(record, row.lastSeen))}`],
  ]
  const payload = indentJson(mask(row.payload)).split('\n').map(printable).join('\n')
  return [formatFacts(facts, screen), payload, formatEvents(record, screen)].filter((part) => part !== '').join('\n\n')
}

export function recordMemberOf(record: ShownRecord): ShowDocument {
  const {warehouse, table, idemKey, stream, row} = record
  return {
    schema: 1,
    warehouse,
    table,
    idem_key: idemKey,
    source_system: stream.sourceSystem,
    object_type: stream.objectType,
    external_id: row.externalId,
    first_seen: instant(row.firstSeen),
    first_run: runAt(record, row.firstSeen) ?? null,
    last_seen: instant(row.lastSeen),
    last_run: runAt(record, row.lastSeen) ?? null,
    payload: parseExactly(row.payload) as ShowDocument['payload'],
    events: eventsOfKey(record).map(({at, type, runId, error}) => ({
      at: instant(at),
      event_type: type,
      run_id: runId,
      error_message: error,
    })),
  }
}

const EVENT_COLUMNS: readonly Column[] = [
  {name: 'EVENT'},
  {name: 'LOGGED'},
  {name: 'RUN'},
  {name: 'REASON', wraps: true},
]

function formatEvents(record: ShownRecord, screen: Screen): string {
  const events = eventsOfKey(record)
  if (events.length === 0) return ''
  const rows = events.map(({at, type, runId, error}) => [type, formatWhen(at, screen), runId, error ?? ''])
  return formatTable(EVENT_COLUMNS, rows, screen)
}

const eventsOfKey = ({events}: Pick<StoredRecord, 'events'>): readonly LoggedEvent[] =>
  events.filter(({type}) => type !== 'job.started')

/** Rows have the time at which they were read; of several runs that read then, one took the stream. */
function runAt({events, stream}: ShownRecord, at: number): string | undefined {
  const name = nameOfStream(stream)
  const wrote = ({type, payload, at: startedAt}: LoggedEvent): boolean => {
    const {streams, promotion, plan} = (payload ?? {}) as Started
    const read = promotion?.started ?? (plan && [plan.read_at]) ?? [instant(startedAt)]
    return type === 'job.started' && streams?.includes(name) === true && read.includes(instant(at))
  }
  return events.find(wrote)?.runId
}

/** This is what `job.started` says of what a run writes. */
interface Started {
  readonly streams?: readonly string[]
  readonly promotion?: {readonly started?: readonly string[]}
  readonly plan?: {readonly read_at: string}
}

const instant = (at: number): string => new Date(at).toISOString()
