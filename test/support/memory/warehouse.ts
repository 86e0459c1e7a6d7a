import {failure, busy} from '../../../src/base/errors.ts'
import type {Event} from '../../../src/model/events.ts'
import type {TableSet} from '../../../src/model/tables.ts'
import type {Stream} from '../../../src/source.ts'
import type {
  RecordKey,
  Reject,
  RunEvent,
  RunToBegin,
  StoredRecord,
  StreamScope,
  StreamState,
  WantedRejects,
  Warehouse,
  WarehouseDescription,
  WarehouseWriter,
} from '../../../src/warehouse/warehouse.ts'
import type {SurplusRows} from '../../../src/warehouse/surplus-rows.ts'
import type {AddedColumns} from '../../../src/warehouse/tables-to-create.ts'
import type {EndOfRun, WantedRuns} from '../../../src/warehouse/wanted-runs.ts'
import type {KeyIndex} from '../../../src/warehouse/stored-keys.ts'
import type {StoredPayload, WantedPayloads} from '../../../src/warehouse/stored-payloads.ts'
import {ownProcess} from '../../../src/base/process-identity.ts'
import {begunAnew} from '../../../src/warehouse/held-streams.ts'
import {assertLogIsOf} from '../../../src/warehouse/log-of-runs.ts'
import {nameOfStream} from '../../../src/model/stream.ts'
import {EVENTS_OF_RUNS} from '../../../src/warehouse/event-rows.ts'
import {JSON_LINES} from '../../../src/warehouse/record-lines.ts'
import {assertLogIsKnown} from '../../../src/warehouse/undone-runs.ts'
import {commitBatch} from './commit.ts'
import {streamsIn, streamStateIn, undoneRunsIn} from './coverage.ts'
import {rejectsIn} from './rejects.ts'
import {recordIn, runEventOf} from './stored-record.ts'
import {memoryDatabase, type MemoryDatabase, type MemoryRow} from './tables.ts'

const isHeardSince = (log: readonly Event[], runId: string | null, since: number): boolean =>
  log.some((event) => event.correlation_id === runId && Date.parse(event.created_at) >= since)

const takesAny = ({payload}: Event, streams: readonly Stream[]): boolean =>
  streams.map(nameOfStream).some((name) => ((payload?.['streams'] ?? []) as readonly string[]).includes(name))

export class MemoryWarehouse implements Warehouse {
  readonly recordLines = JSON_LINES
  readonly #database: MemoryDatabase

  constructor(database: string) {
    this.#database = memoryDatabase(database)
  }

  readStreamStates(tables: TableSet, scopes: readonly StreamScope[]): Promise<readonly StreamState[]> {
    return Promise.resolve(this.#statesOf(tables, scopes))
  }

  readRejects(tables: TableSet, wanted: WantedRejects): Promise<readonly Reject[] | undefined> {
    const rows = this.#database.rawObjects.get(tables.rawObjects) ?? new Map<string, MemoryRow>()
    return Promise.resolve(rejectsIn(this.#log(tables), rows, wanted))
  }

  readRunEvents(
    tables: TableSet,
    {job, runId, named, since = -Infinity, ended, streams, from = 0, heardSince, limit}: WantedRuns,
  ): Promise<readonly RunEvent[]> {
    const log = this.#log(tables)
    const newest = log
      .filter((event) => event.event_type === 'job.started')
      .filter((event) => Date.parse(event.created_at) >= since)
      .filter((event) => job === undefined || event.payload?.['job'] === job)
      .filter((event) => streams === undefined || takesAny(event, streams))
      .filter((event) => log.indexOf(event) >= from)
      .map((event) => event.correlation_id)
      .filter((id) => runId === undefined || id === runId)
      .filter((id) => named === undefined || id.startsWith(named) || id.endsWith(named))
      .filter((id) => ended === undefined || ended === endOf(log, id))
      .filter((id) => heardSince === undefined || isHeardSince(log, id, heardSince))
      .slice(-limit)
    const events = log.filter(
      (event) => newest.includes(event.correlation_id) && EVENTS_OF_RUNS.includes(event.event_type),
    )
    return Promise.resolve(
      events.map((event) => ({
        ...runEventOf(event),
        place: log.indexOf(event),
        isUndone: undoneRunsIn(log).has(event.correlation_id),
      })),
    )
  }

  readRecord({eventLog, rawObjects}: TableSet, {idemKey}: RecordKey): Promise<StoredRecord> {
    const row = this.#database.rawObjects.get(rawObjects)?.get(idemKey)
    const log = this.#database.eventLogs.get(eventLog) ?? []
    return Promise.resolve(recordIn(log, row, idemKey))
  }

  query(): Promise<never> {
    return Promise.reject(failure('this warehouse knows no SQL', {code: 'E_WAREHOUSE_FAILED'}))
  }

  compareTables(): Promise<never> {
    return Promise.reject(new Error('the warehouse in memory compares nothing'))
  }

  findRowsToUndo(): Promise<never> {
    return Promise.reject(new Error('the warehouse in memory undoes nothing'))
  }

  tablesThatBegin(start: string): Promise<readonly string[]> {
    const {eventLogs, rawObjects} = this.#database
    return Promise.resolve([...eventLogs.keys(), ...rawObjects.keys()].filter((name) => name.startsWith(start)))
  }

  estimateSeed(): Promise<never> {
    return Promise.reject(new Error('the warehouse in memory seeds nothing'))
  }

  dropTables(): Promise<never> {
    return Promise.reject(new Error('the warehouse in memory drops nothing'))
  }

  openComparison(): Promise<never> {
    return Promise.reject(new Error('the warehouse in memory compares nothing'))
  }

  viewSql(): Promise<never> {
    return this.query()
  }

  createView(): Promise<never> {
    return this.query()
  }

  describe({eventLog, rawObjects}: TableSet): Promise<WarehouseDescription> {
    const events = this.#database.eventLogs.get(eventLog)
    const rows = this.#database.rawObjects.get(rawObjects)
    return Promise.resolve({
      tables: [
        {name: eventLog, exists: events !== undefined, ...(events !== undefined && {rows: events.length})},
        {name: rawObjects, exists: rows !== undefined, ...(rows !== undefined && {rows: rows.size})},
      ],
      streams: streamsIn(events ?? []),
    })
  }

  countSurplusRows(): Promise<number> {
    return Promise.resolve(0)
  }

  findSurplusRows(): Promise<SurplusRows> {
    return Promise.resolve({streams: []})
  }

  checkWritable(): Promise<void> {
    return Promise.resolve()
  }

  indexKeys({rawObjects}: TableSet, streams: readonly Stream[]): Promise<KeyIndex> {
    const rows = [...(this.#database.rawObjects.get(rawObjects) ?? [])]
    const keys = rows.flatMap(([key, row]) =>
      streams.some((stream) => stream.sourceSystem === row.sourceSystem && stream.objectType === row.objectType)
        ? [key]
        : [],
    )
    const known = new Set(keys)
    return Promise.resolve({
      has: (idemKeys) => Promise.resolve(new Set(idemKeys.filter((key) => known.has(key)))),
      compareListed: async (pages, most) => {
        const listed = new Set<string>()
        for await (const page of pages) for (const key of page) listed.add(key)
        const only = (one: ReadonlySet<string>, other: ReadonlySet<string>) => {
          const found = [...one].filter((key) => !other.has(key))
          return {count: found.length, keys: found.toSorted().slice(0, most)}
        }
        const gone = only(known, listed)
        return {listed: listed.size, stored: known.size, gone, untold: 0, missing: only(listed, known)}
      },
      confirmGone: () => Promise.reject(new Error('the warehouse in memory does not know when a row was seen last')),
      close: () => known.clear(),
    })
  }

  async *readPayloads({rawObjects}: TableSet, {stream}: WantedPayloads): AsyncGenerator<readonly StoredPayload[]> {
    const rows = [...(this.#database.rawObjects.get(rawObjects) ?? [])]
    yield await Promise.resolve(
      rows
        .filter(([, row]) => row.sourceSystem === stream.sourceSystem && row.objectType === stream.objectType)
        .map(([idemKey, {payload}]) => ({idemKey, payload: JSON.stringify(payload)})),
    )
  }

  /** Nothing is ever lacking: its rows are objects, which take any column. */
  addColumns(): Promise<readonly AddedColumns[]> {
    return Promise.resolve([])
  }

  createTables({eventLog, rawObjects}: TableSet): Promise<readonly string[]> {
    const {eventLogs, rawObjects: rowsByTable} = this.#database
    const made: string[] = []
    if (!eventLogs.has(eventLog)) made.push(eventLog)
    if (!rowsByTable.has(rawObjects)) made.push(rawObjects)
    eventLogs.set(eventLog, this.#log({eventLog, rawObjects}))
    rowsByTable.set(rawObjects, rowsByTable.get(rawObjects) ?? new Map<string, MemoryRow>())
    return Promise.resolve(made)
  }

  async begin({tables, scopes, runId, started, claim}: RunToBegin): Promise<WarehouseWriter> {
    await this.createTables(tables)
    const {leases} = this.#database
    const wanted = scopes.map(({stream}) => JSON.stringify([tables.rawObjects, stream]))
    const holders = wanted.flatMap((lease) => leases.get(lease) ?? [])
    const holder = holders.find((one) => one.claim === undefined || one.claim !== claim)
    if (holder !== undefined)
      throw busy(`run ${holder.runId} is reading the same stream`, {code: 'E_STREAM_BUSY', next: 'Wait for it to end.'})
    const process = await ownProcess()
    const states = this.#statesOf(tables, scopes)
    for (const earlier of new Set(holders.map((one) => one.runId)))
      this.#log(tables).push(begunAnew({runId: earlier, process}, runId))
    for (const lease of wanted) leases.set(lease, {runId, claim})
    const event = started()
    this.#log(tables).push(event)
    return {
      since: new Date(event.created_at),
      states,
      commit: async (batch, events) => {
        if (!wanted.every((lease) => leases.get(lease)?.runId === runId))
          throw failure('this run lost its stream', {code: 'E_STREAM_LOST'})
        return commitBatch(this.#database, tables, batch, events)
      },
      undo: () => Promise.reject(new Error('the warehouse in memory undoes nothing')),
      promote: () => Promise.reject(new Error('the warehouse in memory promotes nothing')),
      removeSurplusRows: () => Promise.reject(new Error('the warehouse in memory holds one row a key')),
      seed: () => Promise.reject(new Error('the warehouse in memory seeds nothing')),
      close: () => {
        for (const lease of wanted) if (leases.get(lease)?.runId === runId) leases.delete(lease)
        return Promise.resolve()
      },
    }
  }

  #log({eventLog}: TableSet): Event[] {
    return this.#database.eventLogs.get(eventLog) ?? []
  }

  #statesOf(tables: TableSet, scopes: readonly StreamScope[]): readonly StreamState[] {
    const log = this.#log(tables)
    assertLogIsKnown(tables.eventLog, Math.max(0, ...log.map(({payload}) => Number(payload?.['requires'] ?? 0))))
    assertLogIsOf(
      tables,
      log.filter((event) => event.event_type === 'job.started').map(({payload}) => String(payload?.['mode'])),
    )
    return scopes.map((scope) => streamStateIn(log, scope))
  }
}

function endOf(log: readonly Event[], run: string | null): EndOfRun {
  if (run !== null && undoneRunsIn(log).has(run)) return 'undone'
  const types = log.filter((event) => event.correlation_id === run).map((event) => event.event_type)
  return types.includes('job.completed') ? 'done' : types.includes('job.failed') ? 'failed' : 'open'
}
