import {EVENT_LOG, type ColumnType} from '../../model/tables.ts'
import type {Event} from '../../model/events.ts'
import type {Queries} from './query.ts'
import {instant, literal} from './sql.ts'
import type {ReadLog} from './stream-state.ts'

/** Some events travel inside of the statement that writes them, the others stand in a staging table. */
export interface EventSource {
  readonly inline: readonly Event[]
  /** This query selects the staged ones. */
  readonly staged?: string
}

const COLUMNS = EVENT_LOG.columns.map(({name}) => name).join(', ')

const READ: Record<ColumnType, (name: string) => string> = {
  STRING: (name) => `JSON_VALUE(event, '$.${name}')`,
  TIMESTAMP: (name) => `TIMESTAMP(JSON_VALUE(event, '$.${name}'))`,
  // As text within the text, because JSON_QUERY gives a JSON null where there is none.
  JSON: (name) => `PARSE_JSON(JSON_VALUE(event, '$.${name}'), wide_number_mode => 'round')`,
}

const textOf = (events: readonly Event[]): string =>
  JSON.stringify(
    events.map((event) => ({...event, payload: event.payload === null ? null : JSON.stringify(event.payload)})),
  )

const rowsIn = (text: string): string =>
  `SELECT ${EVENT_LOG.columns.map(({name, type}) => `${READ[type](name)} AS ${name}`).join(', ')}
 FROM UNNEST(JSON_QUERY_ARRAY(PARSE_JSON(${text}))) AS event`

const rowsOf = (events: readonly Event[]): string => rowsIn(literal(textOf(events)))

/** Gives events to one statement as a parameter, which may be ten times as long as the statement. */
export const passedEvents = (
  events: readonly Event[],
): {readonly source: EventSource; readonly values: Readonly<Record<string, string>>} => ({
  source: {inline: [], staged: rowsIn('@events')},
  values: {events: textOf(events)},
})

/** An event that is there already is not written twice. None of them is older than `begunAt`. */
export function insertEvents(eventLog: string, {inline, staged}: EventSource, begunAt: Date): readonly string[] {
  const sources = [...(inline.length > 0 ? [rowsOf(inline)] : []), ...(staged === undefined ? [] : [staged])]
  return sources.map(
    (source) => `INSERT INTO ${eventLog} (${COLUMNS})
 SELECT ${EVENT_LOG.columns.map(({name}) => `fresh.${name}`).join(', ')}
 FROM (${source}) AS fresh
 LEFT JOIN (SELECT event_id FROM ${eventLog} WHERE created_at >= ${instant(begunAt)}) AS logged
 ON logged.event_id = fresh.event_id
 WHERE logged.event_id IS NULL`,
  )
}

/** Finds out whether the transaction that held these came through. */
export async function isLogged(queries: Queries, eventLog: string, events: readonly Event[]): Promise<boolean> {
  const [first] = events
  if (first === undefined) return false
  const rows = await queries.rows({
    sql: `SELECT event_id FROM ${eventLog} WHERE created_at = TIMESTAMP(@created_at) AND event_id = @event_id`,
    values: {created_at: first.created_at, event_id: first.event_id},
    what: 'finding out whether a commit was written',
  })
  return rows.length > 0
}

/** Counts the rejects among these whose reference was never rejected before: as `logs` tell, or by the run itself since it began. */
export async function countFirstRejects(
  queries: Queries,
  eventLog: string,
  {inline, staged}: EventSource,
  {logs, begunAt}: {readonly logs: readonly ReadLog[]; readonly begunAt: Date},
): Promise<number> {
  const rejected = inline.filter((event) => event.event_type === 'record.rejected')
  const sources = [...(rejected.length > 0 ? [rowsIn('@rejected')] : []), ...(staged === undefined ? [] : [staged])]
  if (sources.length === 0) return 0
  const streamAndReference = `source_system, object_type, JSON_VALUE(payload, '$.reference') AS reference`
  const known = logs.flatMap(({scope: {stream}, rejected: references}) =>
    references.map((reference) => ({...stream, reference})),
  )
  const [row] = await queries.rows({
    sql: `SELECT CAST(COUNT(*) AS STRING) AS first_rejects
          FROM (SELECT DISTINCT ${streamAndReference} FROM (${sources.join(' UNION ALL ')}) WHERE event_type = 'record.rejected') AS fresh
          LEFT JOIN (
            SELECT ${streamAndReference} FROM ${eventLog} WHERE created_at >= ${instant(begunAt)} AND event_type = 'record.rejected'
            UNION DISTINCT
            SELECT JSON_VALUE(one, '$.sourceSystem') AS source_system, JSON_VALUE(one, '$.objectType') AS object_type, JSON_VALUE(one, '$.reference') AS reference
            FROM UNNEST(JSON_QUERY_ARRAY(PARSE_JSON(@known))) AS one
          ) AS known
          ON known.source_system = fresh.source_system AND known.object_type = fresh.object_type AND known.reference = fresh.reference
          WHERE known.reference IS NULL`,
    values: {known: JSON.stringify(known), ...(rejected.length > 0 && {rejected: textOf(rejected)})},
    what: 'looking for rejects that are new',
  })
  return Number(row?.['first_rejects'])
}
