import type {TableSet} from '../../model/tables.ts'
import {loggedEventIn, storedRowIn} from '../event-rows.ts'
import type {RecordKey, StoredRecord, StoredRow} from '../warehouse.ts'
import type {Connection} from './connection.ts'
import {existingTables} from './definitions.ts'
import type {Queries} from './query.ts'
import {ANY_TIME, literal} from './sql.ts'
import {isNotUndone} from './undone-runs.ts'

const NO_TIME = new Date(0).toISOString()

export async function readRecord(
  connection: Connection,
  queries: Queries,
  tables: TableSet,
  {idemKey, stream}: RecordKey,
  signal: AbortSignal,
): Promise<StoredRecord> {
  const there = await existingTables(connection, tables, signal)
  // The clustering columns stand beside constants, which let BigQuery skip what is clustered elsewhere.
  const ofStream = `source_system = ${literal(stream.sourceSystem)} AND object_type = ${literal(stream.objectType)}`
  const [found] = there.rawObjects
    ? await queries.rows({
        sql: `SELECT external_id, TO_JSON_STRING(payload) AS payload, CAST(UNIX_MILLIS(first_seen) AS STRING) AS first_ms,
       CAST(UNIX_MILLIS(last_seen) AS STRING) AS last_ms
FROM ${connection.tableName(tables.rawObjects)} WHERE ${ofStream} AND idem_key = ${literal(idemKey)} LIMIT 1`,
        what: 'reading one record',
        signal,
      })
    : []
  const row = found === undefined ? undefined : storedRowIn(found)
  const eventLog = connection.tableName(tables.eventLog)
  const logged = there.eventLog
    ? await queries.rows({
        sql: `SELECT correlation_id, event_type, source_system, object_type, CAST(UNIX_MILLIS(created_at) AS STRING) AS created_ms,
       error_message, TO_JSON_STRING(payload) AS payload
FROM ${eventLog}
WHERE ${ANY_TIME} AND (
    (${ofStream} AND (idem_key = @idem_key OR (event_type = 'record.rejected' AND JSON_VALUE(payload, '$.reference') = @idem_key)))
    OR (source_system = 'lorchestra' AND object_type = 'job_run' AND event_type = 'job.started'
        AND (UNIX_MILLIS(created_at) IN (UNIX_MILLIS(TIMESTAMP(@first)), UNIX_MILLIS(TIMESTAMP(@last)))
          OR ${isNotUndone(eventLog)} AND (JSON_VALUE(payload, '$.plan.read_at') IN (@first, @last)
            OR EXISTS (SELECT 1 FROM UNNEST(JSON_VALUE_ARRAY(payload, '$.promotion.started')) AS started WHERE started IN (@first, @last))))))
ORDER BY created_at, event_id`,
        values: {idem_key: idemKey, first: instantOf(row, 'firstSeen'), last: instantOf(row, 'lastSeen')},
        what: 'reading what the log says of one record',
        signal,
      })
    : []
  return {row, events: logged.map(loggedEventIn)}
}

const instantOf = (row: StoredRow | undefined, at: 'firstSeen' | 'lastSeen'): string =>
  row === undefined ? NO_TIME : new Date(row[at]).toISOString()
