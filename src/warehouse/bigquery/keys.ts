import {createWriteStream} from 'node:fs'
import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'

import type {Stream} from '../../source.ts'
import type {Queries} from './query.ts'
import {literal} from './sql.ts'

/** Downloads the streams' keys into a Parquet file in `folder`. */
export async function downloadKeys(
  queries: Queries,
  rawObjects: string,
  streams: readonly Stream[],
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const lines = join(folder, 'known.ndjson')
  const file = join(folder, 'known.parquet')
  const wanted = streams.map(
    ({sourceSystem, objectType}) =>
      `(source_system = ${literal(sourceSystem)} AND object_type = ${literal(objectType)})`,
  )
  const pages = queries.pages({
    sql: `SELECT idem_key FROM ${rawObjects} WHERE ${wanted.join(' OR ')}`,
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
