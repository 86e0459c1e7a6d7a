import {EVENT_LOG, type ColumnType} from '../../model/tables.ts'
import type {Event} from '../../model/events.ts'
import type {Queries} from './query.ts'
import {ANY_TIME, instant, literal} from './sql.ts'
import {isNotUndone} from './undone-runs.ts'

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

const rowsOf = (events: readonly Event[]): string => {
  const texts = events.map((event) => ({
    ...event,
    payload: event.payload === null ? null : JSON.stringify(event.payload),
  }))
  return `SELECT ${EVENT_LOG.columns.map(({name, type}) => `${READ[type](name)} AS ${name}`).join(', ')}
 FROM UNNEST(JSON_QUERY_ARRAY(PARSE_JSON(${literal(JSON.stringify(texts))}))) AS event`
}

/** An event that is there already is not written twice. None of them is older than `since`. */
export function insertEvents(eventLog: string, {inline, staged}: EventSource, since: Date): readonly string[] {
  const sources = [...(inline.length > 0 ? [rowsOf(inline)] : []), ...(staged === undefined ? [] : [staged])]
  return sources.map(
    (source) => `INSERT INTO ${eventLog} (${COLUMNS})
 SELECT ${EVENT_LOG.columns.map(({name}) => `fresh.${name}`).join(', ')}
 FROM (${source}) AS fresh
 LEFT JOIN (SELECT event_id FROM ${eventLog} WHERE created_at >= ${instant(since)}) AS logged
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

/** Counts the rejects among these whose reference was never rejected before. */
export async function countFirstRejects(
  queries: Queries,
  eventLog: string,
  {inline, staged}: EventSource,
): Promise<number> {
  const rejected = inline.filter((event) => event.event_type === 'record.rejected')
  const sources = [...(rejected.length > 0 ? [rowsOf(rejected)] : []), ...(staged === undefined ? [] : [staged])]
  if (sources.length === 0) return 0
  const reference = `source_system, object_type, JSON_VALUE(payload, '$.reference') AS reference`
  const [row] = await queries.rows({
    sql: `SELECT CAST(COUNT(*) AS STRING) AS first_rejects
          FROM (SELECT DISTINCT ${reference} FROM (${sources.join(' UNION ALL ')}) WHERE event_type = 'record.rejected') AS fresh
          LEFT JOIN (SELECT DISTINCT ${reference} FROM ${eventLog} WHERE ${ANY_TIME} AND event_type = 'record.rejected' AND ${isNotUndone(eventLog)}) AS known
          ON known.source_system = fresh.source_system AND known.object_type = fresh.object_type AND known.reference = fresh.reference
          WHERE known.reference IS NULL`,
    what: 'looking for rejects that are new',
  })
  return Number(row?.['first_rejects'])
}
