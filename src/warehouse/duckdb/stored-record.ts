import type {DuckDBConnection} from '@duckdb/node-api'

import type {TableSet} from '../../model/tables.ts'
import {loggedEventIn, storedRowIn} from '../event-rows.ts'
import type {RecordKey, StoredRecord} from '../warehouse.ts'
import {tableExists} from './definitions.ts'
import {literal, rowsOf, tableNamed} from './sql.ts'
import {isNotUndone} from './undone-runs.ts'

export async function readRecord(
  connection: DuckDBConnection,
  tables: TableSet,
  {idemKey}: RecordKey,
): Promise<StoredRecord> {
  const [found] = (await tableExists(connection, tables.rawObjects))
    ? await rowsOf(
        connection,
        `SELECT external_id, payload, epoch_ms(first_seen)::DOUBLE AS first_ms, epoch_ms(last_seen)::DOUBLE AS last_ms
         FROM ${tableNamed(tables.rawObjects)} WHERE idem_key = $idemKey LIMIT 1`,
        {idemKey},
      )
    : []
  const row = found === undefined ? undefined : storedRowIn(found)
  const seen = `[${(row === undefined ? [] : [row.firstSeen, row.lastSeen]).map((at) => literal(new Date(at).toISOString())).join(', ')}]::VARCHAR[]`
  const logged = (await tableExists(connection, tables.eventLog))
    ? await rowsOf(
        connection,
        `SELECT correlation_id, event_type, source_system, object_type, epoch_ms(created_at)::DOUBLE AS created_ms,
                error_message, payload
         FROM ${tableNamed(tables.eventLog)}
         WHERE idem_key = $idemKey
            OR (event_type = 'record.rejected' AND (payload->>'$.reference') = $idemKey)
            OR (event_type = 'job.started' AND epoch_ms(created_at)::DOUBLE IN ($first, $last))
            OR (event_type = 'job.started' AND ${isNotUndone(tables)}
                AND (list_has_any(TRY_CAST(payload->'$.promotion.started' AS VARCHAR[]), ${seen})
                     OR list_contains(${seen}, payload->>'$.plan.read_at')))
         ORDER BY created_at, rowid`,
        {idemKey, first: row?.firstSeen ?? null, last: row?.lastSeen ?? null},
      )
    : []
  return {row, events: logged.map(loggedEventIn)}
}
