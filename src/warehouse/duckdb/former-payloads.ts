import type {DuckDBConnection} from '@duckdb/node-api'

import {usageError} from '../../base/errors.ts'
import {RESTORED} from '../../model/raw-object-columns.ts'
import type {TableSet} from '../../model/tables.ts'
import {columnsOf} from './definitions.ts'
import {identifier, literal, rowsOf, tableNamed} from './sql.ts'

const TABLE = 'lorchestra_undo'
const OWN_COLUMNS = ['run_id', 'commit_number', 'kept_at', 'idem_key']

export const FORMER_PAYLOADS = tableNamed(TABLE)

/** Says what former payloads are kept for. */
export interface KeepFormer {
  readonly runId: string
  readonly commit: number
  /** Milliseconds; with 0 nothing is kept. */
  readonly keepFor: number
  /** A commit that would keep more bytes than this keeps nothing: the file never shrinks again. */
  readonly mostBytes: number
}

/** Tells whether the table is there and lorchestra's own: a user may have one of that name. */
export async function formerPayloadsExist(connection: DuckDBConnection): Promise<boolean> {
  const found = await columnsOf(connection, TABLE)
  return OWN_COLUMNS.every((name) => found.has(name))
}

/** Drops what was kept for long enough. */
export async function pruneFormer(connection: DuckDBConnection, {keepFor}: KeepFormer): Promise<void> {
  if (!(await formerPayloadsExist(connection))) return
  const oldest = literal(new Date(Date.now() - keepFor).toISOString())
  await connection.run(`DELETE FROM ${FORMER_PAYLOADS} WHERE kept_at <= ${oldest}::TIMESTAMPTZ`)
}

/** Keeps what the rows of `changed$` hold before they are changed, in the caller's transaction. */
export async function keepFormer(
  connection: DuckDBConnection,
  {rawObjects}: TableSet,
  {runId, commit, keepFor, mostBytes}: KeepFormer,
): Promise<void> {
  if (keepFor === 0) return
  const [row] = await rowsOf(
    connection,
    'SELECT count(*)::DOUBLE AS changed, coalesce(sum(former_bytes$), 0)::DOUBLE AS bytes FROM changed$',
  )
  if (Number(row?.['changed']) === 0) return
  await makeTable(connection, rawObjects)
  const own = `${literal(runId)} AS run_id, ${commit} AS commit_number, now() AS kept_at`
  // A row without a key says that there was too much.
  await connection.run(
    Number(row?.['bytes']) > mostBytes
      ? `INSERT INTO ${FORMER_PAYLOADS} BY NAME SELECT ${own}`
      : `INSERT INTO ${FORMER_PAYLOADS} BY NAME
         SELECT ${own}, idem_key, ${RESTORED.join(', ')} FROM ${tableNamed(rawObjects)}
         WHERE rowid IN (SELECT stored_row FROM changed$)`,
  )
}

async function makeTable(connection: DuckDBConnection, rawObjects: string): Promise<void> {
  const found = await columnsOf(connection, TABLE)
  if (found.size === 0) {
    await connection.run(
      `CREATE TABLE ${FORMER_PAYLOADS} AS
       SELECT ''::VARCHAR AS run_id, 0 AS commit_number, now() AS kept_at, idem_key, ${RESTORED.join(', ')}
       FROM ${tableNamed(rawObjects)} LIMIT 0`,
    )
    return
  }
  if (OWN_COLUMNS.some((name) => !found.has(name))) throw nameTaken()
  const columns = await columnsOf(connection, rawObjects)
  for (const name of RESTORED.filter((column) => !found.has(column))) {
    const type = columns.get(name)?.type ?? 'VARCHAR'
    await connection.run(`ALTER TABLE ${FORMER_PAYLOADS} ADD COLUMN ${identifier(name)} ${type}`)
  }
}

const nameTaken = (): Error =>
  usageError(`the table ${TABLE} is not lorchestra's own, which keeps former payloads in one of that name`, {
    code: 'E_TABLE_INCOMPATIBLE',
    next: 'Nothing was written. Give yours another name, or keep no former payloads: undo: 0s under warehouse: in lorchestra.yaml.',
  })
