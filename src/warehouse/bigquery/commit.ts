import {CLOCK_TOLERANCE} from '../../model/clock.ts'
import {failure} from '../../base/errors.ts'
import {inTurn, pauseUnlessStopped} from '../../base/waiting.ts'
import {STAGED_COLUMNS} from '../../model/raw-object-columns.ts'
import type {TableSet} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {digestOf, type CommitBatch, type CommitEvents} from '../commit-batch.ts'
import type {CommitResult} from '../warehouse.ts'
import {classify, countsOf, readableStreams} from './classify.ts'
import {unchangedSince, writeRows, type Classified, type CommitTerms} from './commit-sql.ts'
import type {Connection} from './connection.ts'
import {spooledEvents, withOwnEvents} from './event-source.ts'
import {countFirstRejects, insertEvents, isLogged, type EventSource} from './events.ts'
import {fence, holdsLeases, leaseLost} from './leases.ts'
import type {Queries, Statement} from './query.ts'
import {isNotFound, isTransient, ServiceError} from './service-error.ts'
import type {ReadLog} from './stream-state.ts'
import {createStaging, dropStaging, stageFiles, type Protection, type StagingColumn} from './staging.ts'

/** The service takes a megabyte. */
const LONGEST_SCRIPT = 1_000_000
/** So often rows are looked at anew where others changed them meanwhile. */
const ATTEMPTS = 6
/** A transaction that others cancel is repeated for so many milliseconds. */
const COLLIDING = 10 * 60 * 1000
/** Statements that cancel each other where they name one table. */
const CHANGES_ROWS = /^(MERGE|DELETE)\b/

/** Numbers, above all, are not what every reader of JSON takes them for: they are read by a function that can say no. */
const STAGED_AS_TEXT = STAGED_COLUMNS.map(({name, type}) => ({
  name,
  type: type === 'JSON' ? ('STRING' as const) : type,
}))

export interface CommitOptions {
  readonly connection: Connection
  readonly queries: Queries
  readonly tables: TableSet
  readonly streams: readonly Stream[]
  /** They are those of the streams, in their order. */
  readonly leases: readonly string[]
  readonly runId: string
  /** An unchanged row's `last_seen` is moved where it is older than this run by more than so many milliseconds. */
  readonly touchAfter: number
  /** What is staged is protected like the tables that it is for. */
  readonly protection: {readonly records: Protection; readonly events: Protection}
  /** The log said this of the streams before the run. */
  readonly logs: readonly ReadLog[]
  /** Begins the names of what is staged and the ids of the jobs; unique for this commit. */
  readonly name: string
  /** Aborted when the run stops: what is whole is tried once more then, and not waited for. */
  readonly signal: AbortSignal
  /** Gets the names of the tables that are there, loses those that are dropped. */
  readonly staged: string[]
}

/**
 * Loads into staging tables, looks at what the rows would do, and does it in one transaction that checks both the lease
 * and that nothing changed since. Nothing of a commit can be seen before all of it can.
 */
export async function commitBatch(
  options: CommitOptions,
  batch: CommitBatch,
  events: CommitEvents,
): Promise<CommitResult> {
  const {connection, name, staged} = options
  try {
    const files = [...batch.records, ...batch.loneRecords]
    const how = {fields: STAGED_AS_TEXT, protection: options.protection.records}
    const tables = await stageFiles(connection, `${name}_records`, how, files, staged)
    return await writeBatch(options, batch, tables, events)
  } finally {
    // Says nothing of the commit. What is left is dropped when the run closes, or expires.
    await dropStaging(connection, staged).catch(() => undefined)
  }
}

/** Makes a table for what is found out about rows, as well protected as these. */
export const makeStaging =
  ({connection, staged, protection}: CommitOptions) =>
  async (id: string, columns: readonly StagingColumn[]): Promise<unknown> => {
    staged.push(id)
    return createStaging(connection, id, columns, protection.records)
  }

async function writeBatch(
  options: CommitOptions,
  batch: CommitBatch,
  stagingTables: readonly string[],
  events: CommitEvents,
): Promise<CommitResult> {
  const {connection, queries, tables, streams, runId, touchAfter, name, signal} = options
  const {runStartedAt: startedAt, rows, isDigested = false} = batch
  const nameOf = (id: string): string => connection.tableName(id)
  const eventLog = nameOf(tables.eventLog)
  const terms: CommitTerms = {
    rawObjects: nameOf(tables.rawObjects),
    streams: streams.length,
    eventLog,
    valuesOf: 'run',
    startedAt,
    runId,
    // A run before this one may have had a clock that was ahead.
    newest: new Date(startedAt.getTime() + CLOCK_TOLERANCE),
    touchBefore: new Date(startedAt.getTime() - touchAfter),
    isDigested,
  }
  const spooled = await spooledEvents(options, batch.events)
  const before = {logs: options.logs, begunAt: new Date(startedAt.getTime() - CLOCK_TOLERANCE)}
  const firstRejects = await countFirstRejects(queries, eventLog, spooled, before)
  const {arrived, unreadable} = await readableStreams(queries, `${name}_unreadable`, stagingTables.map(nameOf), streams)
  const arrivedRows = arrived.reduce((sum, stream) => sum + stream.rows, unreadable.length)
  if (arrivedRows !== rows) throw new Error(`${rows} records were spooled but ${arrivedRows} arrived in BigQuery`)
  for (let [attempt, stopped] = [1, false]; ; attempt += 1) {
    const classified = await classify(queries, terms, arrived, {
      idOf: (place) => `${name}_stored_${attempt}_${place}`,
      nameOf,
      make: makeStaging(options),
    })
    const counts = countsOf(classified)
    const digest = isDigested ? digestOf(classified.map(({bits = 0n}) => bits)) : undefined
    const own = events(counts, unreadable, digest)
    const newRejects = await countFirstRejects(queries, eventLog, {inline: own}, before)
    const source = await withOwnEvents(options, `${name}_rejects_${attempt}`, spooled, own)
    const written = await tryToWrite(options, `${name}-${attempt}`, terms, classified, source)
    if (written === 'written') return {counts, firstRejects: firstRejects + newRejects}
    if (attempt === ATTEMPTS || stopped) throw written
    stopped = await pauseUnlessStopped(connection.pauseBefore(attempt + 1), signal)
  }
}

/** Joins a transaction of rows and events. */
export interface AlsoWritten {
  /** Must hold, or nothing is written. */
  readonly conditionOf: (stream: Stream) => string
  readonly statements: readonly string[]
}

/**
 * Answers with the error where something changed since it was looked at, so that another look is worth it. A transaction that
 * another one cancelled is repeated as it is: what was looked at is checked in it. A run that stops repeats it once, at once.
 */
export async function tryToWrite(
  options: CommitOptions,
  id: string,
  terms: CommitTerms,
  classified: readonly Classified[],
  source: EventSource,
  also?: AlsoWritten,
): Promise<'written' | ServiceError> {
  const {connection, tables, signal} = options
  const statements = statementsOf(options, terms, classified, source, also)
  const sql = `BEGIN TRANSACTION;\n${statements.join(';\n')};\nCOMMIT TRANSACTION;`
  assertFits(sql)
  const changesRows = statements.some((statement) => CHANGES_ROWS.test(statement))
  const ending = classified.length === 0 && also === undefined
  const place = connection.tableName(tables.rawObjects)
  const endsAt = performance.now() + connection.lasting(COLLIDING)
  for (let [attempt, stopped] = [1, false]; ; attempt += 1) {
    const write = async (): Promise<Written> => writeOnce(options, `${id}-${attempt}`, {sql, ending}, source)
    const written = await (changesRows ? inTurn(place, undefined, write) : write())
    if (written === 'written' || written.reason === 'changedMeanwhile') return written
    if (stopped || performance.now() > endsAt) throw written
    stopped = await pauseUnlessStopped(connection.pauseBefore(attempt), signal)
  }
}

type Written = 'written' | ServiceError

function statementsOf(
  {connection, tables, streams, leases, runId}: CommitOptions,
  terms: CommitTerms,
  classified: readonly Classified[],
  source: EventSource,
  also: AlsoWritten | undefined,
): readonly string[] {
  return [
    ...streams.map((stream, index) => {
      const ofStream = classified.find(({staged}) => staged.stream === stream)
      const unchanged = ofStream === undefined ? undefined : unchangedSince(terms, ofStream)
      const sql = [unchanged, also?.conditionOf(stream)].filter((one) => one !== undefined).join(' AND ')
      const condition = sql === '' ? undefined : {sql, reason: 'changedMeanwhile'}
      return fence(connection.tableName(leases[index] ?? ''), runId, condition)
    }),
    ...classified.flatMap((one) => writeRows(terms, one)),
    ...(also?.statements ?? []),
    ...insertEvents(connection.tableName(tables.eventLog), source, terms.startedAt),
  ]
}

async function writeOnce(
  {connection, queries, tables, leases, runId}: CommitOptions,
  id: string,
  script: Pick<Statement, 'sql' | 'ending'>,
  source: EventSource,
): Promise<Written> {
  try {
    await queries.run(id, {...script, what: 'writing a commit'}, {attempts: 1})
    return 'written'
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    if (error.reason === 'leaseLost') throw leaseLost(error)
    // The taker has ended and given its lease back.
    if (isNotFound(error) && !(await holdsLeases(connection, queries, leases, runId))) throw leaseLost(error)
    if (error.reason === 'concurrentUpdate') return error
    if (error.reason !== 'changedMeanwhile' && !isTransient(error)) throw error
    // A job can fail after its transaction came through.
    const eventLog = connection.tableName(tables.eventLog)
    return (await isLogged(queries, eventLog, source.inline)) ? 'written' : error
  }
}

function assertFits(sql: string): void {
  if (sql.length <= LONGEST_SCRIPT) return
  throw failure(`a commit would be a statement of ${sql.length} characters, and BigQuery takes a million`, {
    code: 'E_SLICE_TOO_LARGE',
    next: 'Set a shorter slice: for this job in lorchestra.yaml, or read its object types by several jobs. Nothing of it was written.',
  })
}
