import {pause} from '../../base/waiting.ts'
import {RAW_OBJECTS} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {assertNothingToMix, type RowsToSeed, type Seed, type SeedEstimate} from '../seed.ts'
import {stagedStreams} from './classify.ts'
import {tryToWrite, type CommitOptions} from './commit.ts'
import {ofStream} from './commit-sql.ts'
import type {Queries} from './query.ts'

const ATTEMPTS = 6
const COLUMNS = RAW_OBJECTS.columns.map(({name}) => name).join(', ')

const copyOf = (source: string, stream: Stream): string => `SELECT ${COLUMNS} FROM ${source} WHERE ${ofStream(stream)}`

/** Counts what would be copied, and has the service say what copying it would read. */
export async function estimateSeed(
  queries: Queries,
  source: string,
  streams: readonly Stream[],
  signal: AbortSignal,
): Promise<SeedEstimate> {
  const sql = streams.map((stream) => copyOf(source, stream)).join(' UNION ALL ')
  const {bytes} = await queries.estimate({sql, what: 'asking what the rows of production amount to', signal})
  return {rows: await countRows(queries, source, streams), bytes}
}

/** Copies rows, with the times at which they were read, in one transaction with the events. */
export async function seedRows(
  options: CommitOptions,
  since: Date,
  {from, streams, events}: Seed,
): Promise<RowsToSeed> {
  const {connection, queries, tables, name, runId, signal} = options
  const [source, target] = [connection.tableName(from.rawObjects), connection.tableName(tables.rawObjects)]
  const terms = {
    rawObjects: target,
    streams: streams.length,
    valuesOf: 'staged rows',
    startedAt: since,
    runId,
    newest: since,
    touchBefore: since,
  } as const
  for (let attempt = 1; ; attempt += 1) {
    assertNothingToMix(await countRows(queries, target, streams))
    const rows = await countRows(queries, source, streams)
    const are = (table: string, stream: Stream, number: number): string =>
      `(SELECT COUNT(*) FROM ${table} WHERE ${ofStream(stream)}) = ${number}`
    const written = await tryToWrite(
      options,
      `${name}-${attempt}`,
      terms,
      [],
      {inline: events(rows)},
      {
        conditionOf: (stream) =>
          `${are(target, stream, 0)} AND ${are(source, stream, rows.get(stream.objectType) ?? 0)}`,
        statements: streams.map((stream) => `INSERT INTO ${target} (${COLUMNS})\n ${copyOf(source, stream)}`),
      },
    )
    if (written === 'written') return rows
    if (attempt === ATTEMPTS) throw written
    await pause(connection.pauseBefore(attempt + 1), signal)
  }
}

const countRows = async (queries: Queries, table: string, streams: readonly Stream[]): Promise<RowsToSeed> =>
  new Map((await stagedStreams(queries, [table], streams)).map(({stream, rows}) => [stream.objectType, rows]))
