import {createWriteStream} from 'node:fs'
import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'

import type {TableSet} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import type {KeyIndex} from '../stored-keys.ts'
import {ofStream} from './commit-sql.ts'
import type {Connection} from './connection.ts'
import type {Queries} from './query.ts'
import {ANY_TIME, instant} from './sql.ts'
import {isNotUndone} from './undone-runs.ts'

export interface KeysPlace {
  readonly connection: Connection
  readonly queries: Queries
  readonly tables: TableSet
}

export interface WantedKeys {
  readonly streams: readonly Stream[]
  readonly folder: string
  readonly seenBefore?: Date
}

export async function indexAllKeys(place: KeysPlace, wanted: WantedKeys, signal: AbortSignal): Promise<KeyIndex> {
  const file = await downloadKeys(place, wanted, signal)
  const {openKeyIndex} = await import('../key-index.ts')
  return openKeyIndex(file, wanted.folder)
}

/** Selects the keys of streams and nothing else. */
export const allKeys = (rawObjects: string, streams: readonly Stream[]): string =>
  `SELECT idem_key FROM ${rawObjects} WHERE ${ofAny(streams)}`

const ofAny = (streams: readonly Stream[]): string => streams.map((stream) => `(${ofStream(stream)})`).join(' OR ')

/** Downloads the streams' keys into a Parquet file in `folder`. */
async function downloadKeys(
  {connection, queries, tables}: KeysPlace,
  {streams, folder, seenBefore}: WantedKeys,
  signal: AbortSignal,
): Promise<string> {
  const lines = join(folder, 'known.ndjson')
  const file = join(folder, 'known.parquet')
  const names = {rawObjects: connection.tableName(tables.rawObjects), eventLog: connection.tableName(tables.eventLog)}
  const pages = queries.pages({
    sql:
      seenBefore === undefined ? allKeys(names.rawObjects, streams) : keysAndUntold(names, ofAny(streams), seenBefore),
    what: 'reading the stored keys',
    signal,
  })
  const asLines = async function* (): AsyncGenerator<string> {
    for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  }
  await pipeline(Readable.from(asLines()), createWriteStream(lines, {mode: 0o600}))
  const {toParquet} = await import('../key-index.ts')
  await toParquet(lines, file)
  await rm(lines)
  return file
}

/** A row is told of where an event says that it was deleted, and nobody has seen it since. */
const keysAndUntold = ({rawObjects, eventLog}: TableSet, ofStreams: string, seenBefore: Date): string =>
  `SELECT stored.idem_key, IF(stored.last_seen < ${instant(seenBefore)} AND IFNULL(told < stored.last_seen, TRUE), 'true', 'false') AS untold
 FROM (SELECT idem_key, last_seen FROM ${rawObjects} WHERE ${ofStreams}) AS stored
 LEFT JOIN (SELECT idem_key, MAX(created_at) AS told FROM ${eventLog}
   WHERE ${ANY_TIME} AND event_type = 'object.deleted' AND status = 'ok' AND (${ofStreams}) AND ${isNotUndone(eventLog)}
   GROUP BY idem_key) AS deletion ON deletion.idem_key = stored.idem_key`
