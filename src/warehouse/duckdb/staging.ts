import {randomBytes} from 'node:crypto'
import {readFile} from 'node:fs/promises'

import type {DuckDBConnection} from '@duckdb/node-api'

import {RUN_COLUMNS, STAGED_COLUMNS} from '../../model/raw-object-columns.ts'
import {COLUMN_END, NO_VALUE} from '../../model/record-head.ts'
import type {Stream} from '../../source.ts'
import type {CommitBatch} from '../commit-batch.ts'
import {LARGEST_LINE, READ_IN_PIECES} from '../record-lines.ts'
import {COMPARED_BY_VALUE, STAGED_AS_PARAMETERS, STAGED_AS_TABLE, STAGED_AS_TEXT} from './raw-object-sql.ts'
import {literal} from './sql.ts'

// Temporary tables have a $ in their names: no table of lorchestra.yaml has one, so none hides another.

/** Two hashes of a payload, as SQL. */
export type Digests = readonly [string, string]

/**
 * Makes two hashes of 63 bits. The second one begins with a salt, new at each call, so it is independent of the first and
 * nobody can make payloads that collide. Where copying a payload would cost too much memory it takes MD5 in between.
 */
export function saltedDigests(): Digests {
  const salt = literal(randomBytes(9).toString('base64'))
  const salted = `CASE WHEN strlen(payload) < ${LARGEST_LINE} THEN concat(${salt}, payload) ELSE md5(payload) END`
  return ['(hash(payload) >> 1)::BIGINT', `(hash(${salted}) >> 1)::BIGINT`]
}

/** Every digest is the same: for where there is nothing to compare with. */
export const NO_DIGESTS: Digests = ['0', '0']

/** Makes `staged$`, the lines of the batch as they are to be stored, and `staged_text$`, whose payloads are text. */
export async function stage(connection: DuckDBConnection, batch: CommitBatch): Promise<void> {
  await connection.run(`CREATE TEMP TABLE lone_record$ (${STAGED_AS_TABLE})`)
  for (const file of batch.loneRecords) await stageLoneRecord(connection, file)
  const files = batch.records.length === 0 ? undefined : delimited(batch.records)
  const both = (payload: string): string =>
    `SELECT * REPLACE (payload::${payload} AS payload) FROM lone_record$
     ${files === undefined ? '' : `UNION ALL SELECT * REPLACE (payload::${payload} AS payload) FROM ${files}`}`
  // Whether a payload is JSON is looked at once, where it is written.
  await connection.run(`CREATE TEMP VIEW staged_text$ AS ${both('VARCHAR')}`)
  await connection.run(`CREATE TEMP VIEW staged$ AS ${both('JSON')}`)
}

/** Makes the same two of rows of another table, with the times and all else that its runs wrote. */
export async function stageRows(
  connection: DuckDBConnection,
  table: string,
  streams: readonly Stream[],
): Promise<void> {
  const columns = [...STAGED_COLUMNS, ...RUN_COLUMNS].map(({name}) =>
    name === 'sequence' ? 'rowid AS sequence' : name,
  )
  const rows = `SELECT ${columns.join(', ')} FROM ${table} WHERE ${ofStreams(streams)}`
  await connection.run(`CREATE TEMP VIEW staged_text$ AS SELECT * REPLACE (payload::VARCHAR AS payload) FROM (${rows})`)
  await connection.run(`CREATE TEMP VIEW staged$ AS ${rows}`)
}

export const ofStreams = (streams: readonly Stream[]): string => {
  const wanted = streams.map(({sourceSystem, objectType}) => `(${literal(sourceSystem)}, ${literal(objectType)})`)
  return `(source_system, object_type) IN (${wanted.join(', ')})`
}

/** Makes `staged_key$`, with the last line of every key. */
export async function stageKeys(connection: DuckDBConnection, digests: Digests): Promise<void> {
  const values = COMPARED_BY_VALUE.map((name) => `, ${name}`).join('')
  const latest = COMPARED_BY_VALUE.map((name) => `, arg_max_null(${name}, sequence) AS ${name}`).join('')
  await connection.run(
    `CREATE TEMP TABLE staged_key$ AS
     SELECT idem_key, max(sequence) AS sequence, count(*) AS copies, arg_max(bytes, sequence) AS bytes,
            arg_max(digest_1, sequence) AS digest_1, arg_max(digest_2, sequence) AS digest_2${latest}
     FROM (SELECT idem_key, sequence, strlen(payload) AS bytes,
                  ${digests[0]} AS digest_1, ${digests[1]} AS digest_2${values} FROM staged_text$)
     GROUP BY idem_key`,
  )
}

/** Reads `DELIMITED_LINES`: nothing in them is quoted or means anything but itself. */
const delimited = (files: readonly string[]): string =>
  `read_csv([${files.map(literal).join(', ')}], columns = {${STAGED_AS_TEXT}}, auto_detect = false, header = false,
     delim = ${literal(COLUMN_END)}, nullstr = ${literal(NO_VALUE)}, quote = '', escape = '', new_line = '\\n',
     ${READ_IN_PIECES})`

// One by one, and cut here: DuckDB would set aside the record several times over to read it from a file.
async function stageLoneRecord(connection: DuckDBConnection, file: string): Promise<void> {
  const line = await readFile(file, 'utf8')
  const values = line.slice(0, -1).split(COLUMN_END)
  const named = STAGED_COLUMNS.map(({name}, index) => [name, values[index] === NO_VALUE ? null : values[index]])
  await connection.run(
    `INSERT INTO lone_record$ VALUES (${STAGED_AS_PARAMETERS})`,
    Object.fromEntries(named) as Record<string, string | null>,
  )
}
