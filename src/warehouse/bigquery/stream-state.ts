import type {TableSet} from '../../model/tables.ts'
import {windowIn} from '../coverage-sql.ts'
import {parseBookmark, parseCheckpoint} from '../event-rows.ts'
import {assertLogIsOf} from '../log-of-runs.ts'
import {schemaEventsIn} from '../schema-events.ts'
import {assertLogIsKnown} from '../undone-runs.ts'
import type {SchemaEvent, StreamScope, StreamState} from '../warehouse.ts'
import {isToBeRenewed, newestPart, type LogPart} from './carried-state.ts'
import type {Queries, Row} from './query.ts'
import {sideBySide} from './side-by-side.ts'
import {streamLogSql} from './stream-log-sql.ts'

export interface LogToRead {
  readonly tables: TableSet
  /** The name of its log, as SQL has it. */
  readonly eventLog: string
}

/** What the log says of a stream. */
export interface ReadLog {
  readonly scope: StreamScope
  readonly state: StreamState
  /** It was read then, by the clock of BigQuery. */
  readonly at: Date
  /** References that were rejected before. */
  readonly rejected: readonly string[]
  /** It was read in this part. */
  readonly part: LogPart
  /** A carried state in the newest part tells of all open rejects, or will, once this is carried. */
  readonly tellsOpenRejects: boolean
  /** Is to be carried, so that later runs find all of it in the newest part of the log; missing where they will anyway. */
  readonly toCarry?: readonly Row[]
}

export async function readStreamLogs(
  queries: Queries,
  log: LogToRead,
  scopes: readonly StreamScope[],
  signal: AbortSignal,
): Promise<readonly ReadLog[]> {
  return sideBySide(queries, scopes, async (scope) => readStreamLog(queries, log, scope, signal))
}

/** Reads the newest part, and all of the log only where no carried state stands in that. */
async function readStreamLog(
  queries: Queries,
  log: LogToRead,
  scope: StreamScope,
  signal: AbortSignal,
): Promise<ReadLog> {
  const newestOf = newestPart()
  const newest = await readPart(queries, log, newestOf, scope, signal)
  const carriedAt = textIn(newest, 'carried')
  const part = carriedAt === undefined ? {} : newestOf
  const rows = carriedAt === undefined ? await readPart(queries, log, part, scope, signal) : newest
  const at = new Date(Number(textIn(rows, 'now')))
  assertLogIsOwn(log.tables, rows)
  const openRejects = newest.find(({kind}) => kind === 'carried')?.['since'] ?? undefined
  const isToBeCarried = carriedAt === undefined || openRejects === undefined || isToBeRenewed(Number(carriedAt), at)
  return {
    scope,
    state: stateFrom(rows),
    at,
    part,
    tellsOpenRejects: openRejects === 'told',
    rejected: rows.flatMap(({kind, text}) => (kind === 'rejected' && typeof text === 'string' ? [text] : [])),
    ...(isToBeCarried && rows.some(({kind}) => OF_READING.has(kind ?? '')) && {toCarry: rowsToCarry(rows)}),
  }
}

/** A stream that no run has read has nothing to carry. */
const OF_READING: ReadonlySet<string> = new Set(['covered', 'bookmark', 'checkpoint', 'swept'])

/** Asks with one statement, so that the part is read and billed once, and for the time of its clock. */
async function readPart(
  queries: Queries,
  {eventLog}: LogToRead,
  part: LogPart,
  scope: StreamScope,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const {job, account, selection} = scope
  return queries.rows({
    sql: streamLogSql(eventLog, part, scope),
    values: {job, selection, ...(account !== null && {account})},
    what: 'reading what earlier runs covered',
    signal,
  })
}

function stateFrom(rows: readonly Row[]): StreamState {
  const covered = rows
    .filter(({kind}) => kind === 'covered')
    .map(windowIn)
    .toSorted((one, other) => (one.since < other.since ? -1 : 1))
  const textOf = (wanted: string): string | undefined => textIn(rows, wanted)
  const jsonOf = (wanted: string): string | undefined => {
    const text = textOf(wanted)
    return text === 'null' ? undefined : text
  }
  const bookmark = textOf('bookmark')
  const checkpoint = jsonOf('checkpoint')
  const sweptAt = textOf('swept')
  const identity = textOf('identity')
  return {
    covered,
    otherSelectionCovered: covered.length === 0 && textOf('other') !== undefined,
    ...(bookmark !== undefined && {bookmark: parseBookmark(bookmark)}),
    ...(checkpoint !== undefined && {checkpoint: parseCheckpoint(checkpoint)}),
    ...(sweptAt !== undefined && {sweptAt: Number(sweptAt)}),
    ...(identity !== undefined && {identity}),
    schema: schemaIn(rows),
  }
}

interface LogInWhole {
  readonly requires: number
  readonly modes: readonly string[]
}

/** `since` is the highest requirement of an event, and `text` lists the modes of runs; one row may be carried. */
function logIn(rows: readonly Row[]): LogInWhole {
  const ofLog = rows.filter(({kind}) => kind === 'log')
  const modes = ofLog.flatMap(({text}) => (text ?? '').split(',')).filter((mode) => mode !== '')
  return {requires: Math.max(0, ...ofLog.map(({since}) => Number(since ?? 0))), modes: [...new Set(modes)]}
}

function assertLogIsOwn(tables: TableSet, rows: readonly Row[]): void {
  const {requires, modes} = logIn(rows)
  assertLogIsKnown(tables.eventLog, requires)
  assertLogIsOf(tables, modes)
}

/** `since` is when the event was made, in microseconds, and `until` its id. A carried one may have been read as well. */
function shapesIn(rows: readonly Row[]): readonly Row[] {
  const events = [...new Map(rows.filter(({kind}) => kind === 'shape').map((row) => [row['until'], row])).values()]
  return events.toSorted((one, other) => {
    const [first, second] = [Number(one['since']), Number(other['since'])]
    return first === second ? (String(one['until']) < String(other['until']) ? -1 : 1) : first - second
  })
}

const schemaIn = (rows: readonly Row[]): readonly SchemaEvent[] =>
  schemaEventsIn(shapesIn(rows).map(({text}) => JSON.parse(text ?? '') as Row))

const GATHERED: ReadonlySet<string | null | undefined> = new Set(['now', 'carried', 'log', 'shape'])

function rowsToCarry(rows: readonly Row[]): readonly Row[] {
  const {requires, modes} = logIn(rows)
  return [
    ...rows.filter(({kind}) => !GATHERED.has(kind)),
    ...shapesIn(rows),
    {kind: 'log', since: String(requires), text: modes.join(',')},
  ]
}

const textIn = (rows: readonly Row[], wanted: string): string | undefined =>
  rows.find(({kind}) => kind === wanted)?.['text'] ?? undefined
