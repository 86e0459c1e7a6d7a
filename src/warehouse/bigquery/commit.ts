import {stat, readFile} from 'node:fs/promises'

import type {Event} from '../../events.ts'
import {pause} from '../../pause.ts'
import {EVENT_LOG, type TableSet} from '../tables.ts'
import type {Stream} from '../../source.ts'
import type {CommitBatch, CommitCounts, CommitResult} from '../warehouse.ts'
import {classify, countsOf, stagedStreams, type FreshTable} from './classify.ts'
import {asManyStored, createFresh, mergeStatement, union, type Classified, type MergeTerms} from './commit-sql.ts'
import {pauseBefore, type Connection} from './connection.ts'
import {countFirstRejects, insertEvents, isLogged, type EventSource} from './events.ts'
import {fence, leaseLost} from './leases.ts'
import type {Queries} from './query.ts'
import {isTransient, ServiceError} from './service-error.ts'
import {dropStaging, stageFiles, stagingExpires, type StagingField} from './staging.ts'

const RECORD_FIELDS: readonly StagingField[] = [
  {name: 'idem_key', type: 'STRING'},
  {name: 'source_system', type: 'STRING'},
  {name: 'object_type', type: 'STRING'},
  {name: 'external_id', type: 'STRING'},
  {name: 'sequence', type: 'INTEGER'},
  {name: 'payload', type: 'JSON'},
]
/** Fewer bytes of events than this travel inside of the statement. */
const INLINE_BYTES = 256 * 1024
const ATTEMPTS = 6

export interface CommitOptions {
  readonly connection: Connection
  readonly queries: Queries
  readonly tables: TableSet
  readonly streams: readonly Stream[]
  readonly leases: readonly string[]
  readonly runId: string
  /** How much older an unchanged row's `last_seen` may be than this run before it is moved; milliseconds. */
  readonly touchAfter: number
  /** Begins the names of what is staged and the ids of the jobs; unique for this commit. */
  readonly name: string
}

/**
 * Loads into staging tables, looks at what a merge would do, and does it in one transaction that checks both the lease
 * and that the merge did what was seen. Nothing of a commit can be seen before all of it can.
 */
export async function commitBatch(
  options: CommitOptions,
  batch: CommitBatch,
  events: (counts: CommitCounts) => readonly Event[],
): Promise<CommitResult> {
  const {connection, name} = options
  const staged: string[] = []
  try {
    const files = [...batch.records, ...batch.loneRecords]
    const stagingTables = await stageFiles(connection, `${name}_records`, RECORD_FIELDS, files, staged)
    const fresh = await freshTables(options, stagingTables, staged)
    return await land(options, batch, fresh, await eventsOf(options, batch, staged), events)
  } finally {
    await dropStaging(connection, staged)
  }
}

async function freshTables(
  {connection, queries, streams, name}: CommitOptions,
  stagingTables: readonly string[],
  staged: string[],
): Promise<readonly FreshTable[]> {
  if (stagingTables.length === 0) return []
  const fresh: FreshTable[] = []
  for (const [index, stream] of streams.entries()) {
    const id = `${name}_fresh_${index}`
    const table = connection.tableName(id)
    const sources = stagingTables.map((source) => connection.tableName(source))
    staged.push(id)
    await queries.run(id, {
      sql: createFresh(table, sources, stream, stagingExpires()),
      what: 'sorting out the last record of every key',
    })
    fresh.push({stream, table})
  }
  return fresh
}

async function eventsOf({connection, name}: CommitOptions, batch: CommitBatch, staged: string[]): Promise<EventSource> {
  let bytes = 0
  for (const file of batch.events) bytes += (await stat(file)).size
  if (bytes > INLINE_BYTES) {
    const fields = EVENT_LOG.columns.map(({name: column, type}) => ({name: column, type}))
    const tables = await stageFiles(connection, `${name}_events`, fields, batch.events, staged)
    return {
      inline: [],
      staged: union(
        tables.map((table) => connection.tableName(table)),
        '*',
      ),
    }
  }
  const lines = (await Promise.all(batch.events.map(async (file) => readFile(file, 'utf8')))).join('').split('\n')
  return {inline: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Event)}
}

async function land(
  options: CommitOptions,
  {runStartedAt: startedAt, rows}: CommitBatch,
  fresh: readonly FreshTable[],
  spooled: EventSource,
  events: (counts: CommitCounts) => readonly Event[],
): Promise<CommitResult> {
  const {connection, queries, tables, touchAfter, name} = options
  const eventLog = connection.tableName(tables.eventLog)
  const terms: MergeTerms = {
    rawObjects: connection.tableName(tables.rawObjects),
    startedAt,
    touchBefore: new Date(startedAt.getTime() - touchAfter),
  }
  const firstRejects = await countFirstRejects(queries, eventLog, spooled)
  const streams = await stagedStreams(queries, fresh)
  const staged = streams.reduce((sum, stream) => sum + stream.rows, 0)
  if (staged !== rows) throw new Error(`${rows} records were spooled but ${staged} arrived in BigQuery`)
  for (let attempt = 1; ; attempt += 1) {
    const classified = await classify(queries, terms, streams)
    const counts = countsOf(classified)
    const source = {...spooled, inline: [...spooled.inline, ...events(counts)]}
    const landed = await tryToLand(options, `${name}-${attempt}`, terms, classified, source)
    if (landed === 'landed') return {counts, firstRejects}
    if (attempt === ATTEMPTS) throw landed
    await pause(pauseBefore(attempt + 1), undefined)
  }
}

/** Answers with the error where it is worth another look and another try. */
async function tryToLand(
  {connection, queries, tables, leases, runId}: CommitOptions,
  id: string,
  terms: MergeTerms,
  classified: readonly Classified[],
  source: EventSource,
): Promise<'landed' | ServiceError> {
  const eventLog = connection.tableName(tables.eventLog)
  const statements = [
    'BEGIN TRANSACTION',
    ...leases.flatMap((lease) => fence(connection.tableName(lease), runId)),
    ...classified.flatMap((one) => mergeAsSeen(terms, one)),
    ...insertEvents(eventLog, source, terms.startedAt),
    'COMMIT TRANSACTION',
  ]
  try {
    await queries.run(id, {sql: `${statements.join(';\n')};`, what: 'writing a commit'}, {attempts: 1})
    return 'landed'
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    if (error.reason === 'leaseLost') throw leaseLost(error)
    if (error.reason !== 'changedMeanwhile' && !isTransient(error)) throw error
    // A job can fail after its transaction came through.
    return (await isLogged(queries, eventLog, source.inline)) ? 'landed' : error
  }
}

function mergeAsSeen(terms: MergeTerms, classified: Classified): readonly string[] {
  const merge = mergeStatement(terms, classified)
  return merge === undefined ? [] : [asManyStored(terms, classified), merge]
}
