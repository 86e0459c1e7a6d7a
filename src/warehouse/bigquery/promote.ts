import {EVENT_LOG, type TableSet} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {pause} from '../../base/waiting.ts'
import type {ChangedRow, CompareOptions} from '../comparison.ts'
import {
  assertRowsAreAsAnnounced,
  assertNoConflict,
  assertSeedIsStored,
  type ComparedRows,
  type ComparedTables,
  type Promotion,
} from '../promotion.ts'
import type {CommitCounts} from '../commit-batch.ts'
import {classify, countsOf, stagedStreams} from './classify.ts'
import {makeStaging, tryToWrite, type CommitOptions} from './commit.ts'
import {differingRows, newRows, ofStream, type Classified, type CommitTerms, type StagedStream} from './commit-sql.ts'
import type {Connection} from './connection.ts'
import {keySetOf} from './key-set.ts'
import {dropLeases, takeLeases, thisProcess} from './leases.ts'
import {leaseName} from './names.ts'
import type {Queries} from './query.ts'
import {ANY_TIME, literal} from './sql.ts'
import {dropStaging} from './staging.ts'

const WHAT = 'comparing test tables with production'
const ATTEMPTS = 6
/** No row is older. */
const BEFORE_ALL = new Date('0001-01-01T00:00:00Z')

interface Reading {
  readonly connection: Connection
  readonly queries: Queries
  readonly signal: AbortSignal
}

/** Compares rows of one table set with those of another, by SELECT alone. */
export async function compareRows(
  {connection, queries, signal}: Reading,
  {from, to, toExists}: {readonly from: TableSet; readonly to: TableSet; readonly toExists: boolean},
  streams: readonly Stream[],
  {isChanged, insertedSamples}: CompareOptions,
): Promise<ComparedTables> {
  const source = connection.tableName(from.rawObjects)
  const target = toExists ? connection.tableName(to.rawObjects) : undefined
  const byObjectType = new Map<string, ComparedRows>()
  const inserted: {readonly idemKey: string; readonly payload: string}[] = []
  for (const stream of streams) {
    const rows = await count(queries, source, stream, signal)
    let [update, newer, shared, all] = [0, 0, 0, 0]
    if (target !== undefined) {
      all = await count(queries, target, stream, signal)
      shared = await count(queries, source, stream, signal, target)
      for await (const page of queries.pages({sql: differingRows(source, target, stream), what: WHAT, signal})) {
        for (const row of page) {
          isChanged(changedRowIn(row))
          if (row['newer'] === 'newer') newer += 1
          else update += 1
        }
      }
    }
    const wanted = insertedSamples - inserted.length
    if (wanted > 0 && rows > shared) {
      const samples = await queries.rows({sql: newRows(source, target, stream, wanted), what: WHAT, signal})
      inserted.push(...samples.map((row) => ({idemKey: row['idem_key'] ?? '', payload: row['payload'] ?? ''})))
    }
    byObjectType.set(stream.objectType, {
      insert: rows - shared,
      update,
      newer,
      unchanged: shared - update - newer,
      onlyStored: all - shared,
    })
  }
  return {byObjectType, inserted}
}

/**
 * Takes rows over: test rows are what the staged ones of a commit are, with the times that stand in them. The leases of the test
 * streams are taken as well, so that no test run goes on meanwhile.
 */
export async function promoteRows(options: CommitOptions, since: Date, promotion: Promotion): Promise<CommitCounts> {
  const {connection, queries, staged} = options
  const {from, streams, runId} = promotion
  const testLeases = streams.map((stream) => leaseName(connection.dataset, from, stream))
  await takeLeases(connection, queries, testLeases, await thisProcess(runId, undefined))
  try {
    return await takeOver(options, since, promotion)
  } finally {
    await dropStaging(connection, staged).catch(() => undefined)
    await dropLeases(connection, queries, testLeases, runId)
  }
}

async function takeOver(options: CommitOptions, since: Date, promotion: Promotion): Promise<CommitCounts> {
  const {connection, queries, tables, name, signal} = options
  const {from, streams, announced, insertedAt, changed, runs, runId, events} = promotion
  const nameOf = (id: string): string => connection.tableName(id)
  const source = nameOf(from.rawObjects)
  const terms: CommitTerms = {
    rawObjects: nameOf(tables.rawObjects),
    streams: streams.length,
    startedAt: since,
    runId,
    valuesOf: 'staged rows',
    newest: since,
    touchBefore: BEFORE_ALL,
  }
  const arrived = await stagedStreams(queries, [source], streams)
  assertRowsAreAsAnnounced(new Map(arrived.map(({stream, rows}) => [stream.objectType, rows])), announced)
  if (insertedAt !== undefined)
    assertSeedIsStored(await countSeededAndMissing(queries, {source, target: terms.rawObjects}, streams, insertedAt))
  const copy = copyEvents(nameOf(from.eventLog), nameOf(tables.eventLog), runs, runId)
  for (let attempt = 1; ; attempt += 1) {
    const found = await classify(queries, terms, arrived, {
      idOf: (place) => `${name}_stored_${attempt}_${place}`,
      nameOf,
      make: makeStaging(options),
    })
    if (changed === 'refuse') assertNoConflict(found.reduce((sum, one) => sum + one.changed, 0))
    const classified = changed === 'skip' ? found.map(withoutChanges) : found
    const counts = countsOf(classified)
    const written = await tryToWrite(
      options,
      `${name}-${attempt}`,
      terms,
      classified,
      {inline: events(counts)},
      {
        conditionOf: (stream) => rowsAre(source, stream, arrived),
        statements: runs.length === 0 ? [] : [copy],
      },
    )
    if (written === 'written') return counts
    if (attempt === ATTEMPTS) throw written
    await pause(connection.pauseBefore(attempt + 1), signal)
  }
}

async function countSeededAndMissing(
  queries: Queries,
  {source, target}: {readonly source: string; readonly target: string},
  streams: readonly Stream[],
  insertedAt: readonly number[],
): Promise<number> {
  let missing = 0
  for (const stream of streams) {
    const [row] = await queries.rows({
      sql: `SELECT CAST(COUNT(*) AS STRING) AS missing FROM ${source}
 WHERE ${ofStream(stream)} AND UNIX_MILLIS(first_seen) NOT IN (${insertedAt.join(', ')})
   AND idem_key NOT IN (SELECT idem_key FROM ${target} WHERE ${ofStream(stream)})`,
      what: WHAT,
    })
    missing += Number(row?.['missing'])
  }
  return missing
}

const withoutChanges = (one: Classified): Classified => ({
  ...one,
  changed: 0,
  ...(one.storedRows !== undefined && {storedRows: {...one.storedRows, written: keySetOf({})}}),
})

const rowsAre = (source: string, stream: Stream, arrived: readonly StagedStream[]): string => {
  const {rows = 0} = arrived.find((one) => one.stream === stream) ?? {}
  return `(SELECT COUNT(*) FROM ${source} WHERE ${ofStream(stream)}) = ${rows}`
}

/** Rejects and deletions of the runs are the promotion's own from now on. */
function copyEvents(from: string, to: string, runs: readonly string[], runId: string): string {
  const columns = EVENT_LOG.columns.map(({name}) => name)
  const values = columns.map((column) => {
    if (column === 'event_id') return 'GENERATE_UUID()'
    return column === 'correlation_id' ? literal(runId) : column
  })
  return `INSERT INTO ${to} (${columns.join(', ')})
 SELECT ${values.join(', ')} FROM ${from}
 WHERE ${ANY_TIME} AND event_type IN ('record.rejected', 'object.deleted') AND correlation_id IN (${runs.map(literal).join(', ')})`
}

/** Counts the rows of a stream, or those of them whose keys stand in the other table, too. */
async function count(
  queries: Queries,
  table: string,
  stream: Stream,
  signal: AbortSignal,
  other?: string,
): Promise<number> {
  const shared = other === undefined ? '' : ` AND idem_key IN (SELECT idem_key FROM ${other} WHERE ${ofStream(stream)})`
  const [row] = await queries.rows({
    sql: `SELECT CAST(COUNT(*) AS STRING) AS row_count FROM ${table} WHERE ${ofStream(stream)}${shared}`,
    what: WHAT,
    signal,
  })
  return Number(row?.['row_count'])
}

const changedRowIn = (row: Readonly<Record<string, string | null>>): ChangedRow => ({
  idemKey: row['idem_key'] ?? '',
  stored: row['stored'] ?? '',
  staged: row['staged'] ?? '',
  lastSeen: new Date(Number(row['last_seen'])),
})
