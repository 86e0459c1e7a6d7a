import type {DuckDBConnection} from '@duckdb/node-api'

import {pause} from '../../base/waiting.ts'
import type {TableSet} from '../../model/tables.ts'
import type {StoredPayload, WantedPayloads} from '../stored-payloads.ts'
import {answerInto} from './ad-hoc-query.ts'
import {databaseExists, withDatabase, type DatabaseOptions} from './connection.ts'
import {assertCompatibleTables, tableExists} from './definitions.ts'
import {fileState} from './log-state.ts'
import {RowFile} from './row-file.ts'
import {rowsOf, tableNamed} from './sql.ts'
import {ofStreams} from './staging.ts'

/** The file is kept from whoever wants to write for no longer than this and one more piece; then he has this time; milliseconds. */
const LONGEST_HOLD = 1000
const RELEASE = 400
const ROWS_OF_A_PIECE = 16_384
/** Where the file changed meanwhile it is read from the beginning; after so many times it is held to the end. */
const BEGINNINGS = 3

interface Place {
  readonly database: DatabaseOptions
  readonly tables: TableSet
  readonly signal: AbortSignal
  /** Milliseconds. @default 1 s */
  readonly longestHold?: number
}

/** A turn copies rows into a file of its own, so that the database is closed while somebody works on them. */
interface Turn {
  readonly file: RowFile
  readonly ended: 'at the end' | 'let go' | 'changed'
  /** The next turn begins with this row. */
  readonly next: number
}

/**
 * Gives the payloads of a stream, piece by piece. Where somebody writes to the file meanwhile its rows may have moved, and all of
 * them are given once more: the last one of a key is what it holds.
 */
export async function* readPayloads(place: Place, wanted: WantedPayloads): AsyncGenerator<readonly StoredPayload[]> {
  const {database, signal, longestHold: hold = LONGEST_HOLD} = place
  if (!(await databaseExists(database.path))) return
  for (let beginning = 1; ; beginning += 1) {
    const longestHold = beginning < BEGINNINGS ? hold : Infinity
    const state = await fileState(database.path)
    let turn: Turn | undefined
    do {
      if (turn !== undefined) await pause(RELEASE, signal)
      turn = await readInTurn(place, wanted, {first: turn?.next ?? 0, state, longestHold})
      for await (const rows of turn.file.pages())
        yield rows.map(([idemKey, payload]) => ({idemKey: idemKey as string, payload: payload as string}))
    } while (turn.ended === 'let go')
    if (turn.ended === 'at the end') return
  }
}

async function readInTurn(
  {database, tables, signal}: Place,
  wanted: WantedPayloads,
  {first, state, longestHold}: {readonly first: number; readonly state: string; readonly longestHold: number},
): Promise<Turn> {
  const file = await RowFile.create(database.temporaryFolder)
  try {
    return await withDatabase(database, 'read', signal, async (connection) => {
      const isSame = first === 0 || (await fileState(database.path)) === state
      if (!isSame) return {file, ended: 'changed', next: 0}
      const rows = await countRows(connection, tables)
      const end = performance.now() + longestHold
      let next = first
      do {
        if (next >= rows) return {file, ended: 'at the end', next}
        const sql = selectPiece(tables, wanted, next)
        await answerInto(file, connection, {sql, rows: Infinity}, signal)
        next += ROWS_OF_A_PIECE
      } while (performance.now() < end)
      return {file, ended: 'let go', next}
    })
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Gives the end of the row ids. */
async function countRows(connection: DuckDBConnection, tables: TableSet): Promise<number> {
  await assertCompatibleTables(connection, tables)
  if (!(await tableExists(connection, tables.rawObjects))) return 0
  const [row] = await rowsOf(
    connection,
    `SELECT coalesce(max(rowid) + 1, 0)::DOUBLE AS row_count FROM ${tableNamed(tables.rawObjects)}`,
  )
  return Number(row?.['row_count'])
}

function selectPiece({rawObjects}: TableSet, {stream, samplePercent}: WantedPayloads, first: number): string {
  const sample =
    samplePercent === undefined ? '' : ` AND hash(idem_key) % 1000000 < ${Math.round(samplePercent * 10_000)}`
  return `SELECT idem_key, payload FROM ${tableNamed(rawObjects)}
   WHERE rowid >= ${first} AND rowid < ${first + ROWS_OF_A_PIECE} AND ${ofStreams([stream])}${sample}`
}
