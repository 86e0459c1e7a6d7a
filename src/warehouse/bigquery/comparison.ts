import {CLOCK_TOLERANCE} from '../../model/clock.ts'
import {COMPARED} from '../../model/raw-object-columns.ts'
import type {Stream} from '../../source.ts'
import type {CommitBatch} from '../commit-batch.ts'
import type {ChangedRow, Compared, ComparedCounts, CompareOptions, Comparison, StreamsToCompare} from '../comparison.ts'
import {assertOneRowPerKey} from '../surplus-rows.ts'
import {differs, ofStream} from './commit-sql.ts'
import type {Connection} from './connection.ts'
import {existingTables} from './definitions.ts'
import {COMPARED_COLUMNS, LocalBatch, type LocalRecord} from '../local-batch.ts'
import {isWithin, keySetOfKeys} from './key-set.ts'
import type {Queries} from './query.ts'
import {ANY_TIME, instant, literal} from './sql.ts'
import {OF_RUNS} from './undone-runs.ts'

/** A request with parameters may hold 10 MB (Google, "Quotas and limits"); JSON escapes, and other parameters, need room. */
const REQUEST_BYTES = 4_000_000
const WHAT = 'comparing with what is stored'
/** Stands for a value that is missing, in a list of texts. */
const MISSING = '\u001E'

interface ToOpen {
  readonly streams: StreamsToCompare
  readonly connection: Connection
  readonly queries: Queries
  readonly signal: AbortSignal
}

interface Marker {
  readonly commits: number
  readonly lastRun: string | undefined
}

interface Found {
  readonly tableExists: boolean
  readonly marker: Marker
  readonly moment: string
}

/**
 * Compares by SELECT alone, with records as parameters: no temporary table, no bucket, no right to write. The condition under
 * which a row is another one is that of a commit. Where nothing is written meanwhile, all is read as it was at one moment.
 */
export class BigQueryComparison implements Comparison {
  readonly since: Date
  readonly #given: ToOpen
  readonly #batch: LocalBatch
  readonly #marker: Marker
  /** The server's time at the beginning, to the microsecond. */
  readonly #moment: string
  #tableExists: boolean
  #moved: Comparison['moved']
  #isStaged = false

  private constructor(given: ToOpen, batch: LocalBatch, found: Found) {
    this.#given = given
    this.#batch = batch
    this.#tableExists = found.tableExists
    this.#marker = found.marker
    this.#moment = found.moment
    this.since = new Date(found.moment)
  }

  static async open(given: ToOpen): Promise<BigQueryComparison> {
    const {connection, queries, streams, signal} = given
    const {rawObjects, eventLog} = await existingTables(connection, streams.tables, signal)
    const [row] = await queries.rows({
      sql: "SELECT FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E6SZ', CURRENT_TIMESTAMP()) AS now",
      what: WHAT,
      signal,
    })
    const marker = eventLog ? await readMarker(given) : {commits: 0, lastRun: undefined}
    const batch = await LocalBatch.open(streams.folder)
    const comparison = new BigQueryComparison(given, batch, {
      tableExists: rawObjects,
      marker,
      moment: row?.['now'] ?? '',
    })
    if (rawObjects) streams.priced?.(await comparison.#estimate())
    return comparison
  }

  get tableExists(): boolean {
    return this.#tableExists
  }

  get moved(): Comparison['moved'] {
    return this.#moved
  }

  async compare(batch: CommitBatch, {isChanged, insertedSamples}: CompareOptions): Promise<Compared> {
    const {streams} = this.#given.streams
    await this.#endLast()
    if (batch.rows === 0) return {counts: new Map(), inserted: []}
    await this.#batch.stage(batch)
    this.#isStaged = true
    await this.#look()
    const newest = new Date(batch.runStartedAt.getTime() + CLOCK_TOLERANCE)
    const counts = new Map<string, ComparedCounts>()
    for (const {objectType, keys, duplicates} of await this.#batch.countsByObjectType()) {
      const stream = streams.find((one) => one.objectType === objectType)
      if (stream === undefined) throw new Error(`no stream of object type ${objectType} is being read`)
      const written = await this.#batch.countWritten(objectType)
      const {stored, newer} = await this.#findStored(stream, newest)
      const changed = await this.#compareStored(stream, isChanged)
      const rewritten = await this.#compareWritten(stream, isChanged)
      counts.set(objectType, {
        insert: keys - written - stored,
        update: changed + rewritten,
        unchanged: written - rewritten + stored - newer - changed,
        newer,
        duplicate: duplicates,
      })
    }
    const samples = insertedSamples === 0 ? [] : await this.#batch.firstNew(insertedSamples)
    return {counts, inserted: samples.map(({idemKey, payload}) => ({idemKey, payload}))}
  }

  async written(idemKeys: readonly string[]): Promise<ReadonlySet<string>> {
    await this.#endLast()
    return this.#batch.written(idemKeys)
  }

  close(): Promise<void> {
    this.#batch.close()
    return Promise.resolve()
  }

  async #endLast(): Promise<void> {
    if (this.#isStaged) await this.#batch.end(this.#given.streams.isWritten)
    this.#isStaged = false
  }

  /** BigQuery's estimate knows nothing of the keys: it is what a batch reads that has keys of all blocks. */
  async #estimate(): Promise<number> {
    const {queries, streams, signal} = this.#given
    const ofStreams = streams.streams.map((stream) => `(${ofStream(stream, 'stored.')})`).join(' OR ')
    const columns = ['idem_key', 'last_seen', ...COMPARED.map(({name}) => name)].map((name) => `stored.${name}`)
    const sql = `SELECT ${columns.join(', ')} FROM ${this.#stored()} WHERE ${ofStreams}`
    return (await queries.estimate({sql, what: WHAT, signal})).bytes
  }

  async #look(): Promise<void> {
    const {connection, streams, signal} = this.#given
    const {rawObjects, eventLog} = await existingTables(connection, streams.tables, signal)
    if (streams.isWritten) this.#tableExists = rawObjects
    const marker = eventLog ? await readMarker(this.#given) : {commits: 0, lastRun: undefined}
    if (marker.commits !== this.#marker.commits && marker.lastRun !== streams.runId)
      this.#moved = {runId: marker.lastRun}
  }

  /** Reads keys alone: that is all there is to know where every key is new. */
  async #findStored(stream: Stream, newest: Date): Promise<{readonly stored: number; readonly newer: number}> {
    if (!this.#tableExists) return {stored: 0, newer: 0}
    const {queries, streams, signal} = this.#given
    let [stored, newer] = [0, 0]
    for await (const keys of this.#batch.keysToLookUp(stream.objectType, REQUEST_BYTES)) {
      const rows = await queries.rows({
        sql: `SELECT stored.idem_key, IF(stored.last_seen > ${instant(newest)}, 'newer', '') AS newer
 FROM ${this.#stored()}
 WHERE ${amongKeys(stream, keys)} AND stored.idem_key IN UNNEST(SPLIT(@keys, '\\n'))`,
        values: {keys: keys.join('\n')},
        what: WHAT,
        signal,
      })
      const found = rows.map((row) => ({idemKey: row['idem_key'] ?? '', newer: row['newer'] === 'newer'}))
      assertOneRowPerKey(
        this.#given.connection.tableName(streams.tables.rawObjects),
        found.length - new Set(found.map(({idemKey}) => idemKey)).size,
      )
      await this.#batch.addStored(found)
      stored += found.length
      newer += found.filter((row) => row.newer).length
    }
    return {stored, newer}
  }

  /** Reads the payloads of blocks that can hold a stored key, and downloads those of the rows that differ. */
  async #compareStored(stream: Stream, isChanged: (row: ChangedRow) => boolean): Promise<number> {
    let changed = 0
    for await (const records of this.#batch.recordsToCompare(stream.objectType, REQUEST_BYTES)) {
      const keys = records.map(({idemKey}) => idemKey)
      changed += await this.#compareTexts(
        `SELECT fresh.idem_key, TO_JSON_STRING(stored.payload) AS stored, CAST(UNIX_MILLIS(stored.last_seen) AS STRING) AS last_seen
 FROM (${fresh('')}) AS fresh JOIN ${this.#stored()} ON stored.idem_key = fresh.idem_key
 WHERE ${amongKeys(stream, keys)} AND (${COMPARED.map(differs).join(' OR ')})`,
        records,
        parametersOf('', records),
        isChanged,
      )
    }
    return changed
  }

  /** Compares with what earlier batches would have written; reads no table. */
  async #compareWritten(stream: Stream, isChanged: (row: ChangedRow) => boolean): Promise<number> {
    const now = String(Date.now())
    let changed = 0
    for await (const records of this.#batch.rewritten(stream.objectType, REQUEST_BYTES)) {
      changed += await this.#compareTexts(
        `SELECT fresh.idem_key, TO_JSON_STRING(stored.payload) AS stored, '${now}' AS last_seen
 FROM (${fresh('')}) AS fresh JOIN (${fresh('former_')}) AS stored ON stored.idem_key = fresh.idem_key
 WHERE ${COMPARED.map(differs).join(' OR ')}`,
        records,
        {
          ...parametersOf('', records),
          ...parametersOf(
            'former_',
            records.map(({former}) => former),
          ),
        },
        isChanged,
      )
    }
    return changed
  }

  async #compareTexts(
    sql: string,
    records: readonly LocalRecord[],
    values: Readonly<Record<string, string>>,
    isChanged: (row: ChangedRow) => boolean,
  ): Promise<number> {
    const {queries, signal} = this.#given
    const payloads = new Map(records.map(({idemKey, payload}) => [idemKey, payload]))
    const changed: string[] = []
    for await (const rows of queries.pages({sql, values, what: WHAT, signal})) {
      for (const row of rows) {
        const idemKey = row['idem_key'] ?? ''
        changed.push(idemKey)
        isChanged({
          idemKey,
          stored: row['stored'] ?? '',
          staged: payloads.get(idemKey) ?? '',
          lastSeen: new Date(Number(row['last_seen'])),
        })
      }
    }
    await this.#batch.addToWrite(changed)
    return changed.length
  }

  /** Names the stored rows, as they were when the comparison began, unless this run itself writes them. */
  #stored(): string {
    const {connection, streams} = this.#given
    const at = streams.isWritten ? '' : ` FOR SYSTEM_TIME AS OF TIMESTAMP(${literal(this.#moment)})`
    return `${connection.tableName(streams.tables.rawObjects)} AS stored${at}`
  }
}

/** Compares the clustering columns with constants: BigQuery reads and bills only the blocks that can hold the keys. */
const amongKeys = (stream: Stream, keys: readonly string[]): string =>
  `${ofStream(stream, 'stored.')} AND ${isWithin('stored.idem_key', keySetOfKeys(keys))}`

/** Selects records from parameters, each a list of texts on lines of their own: neither keys, nor JSON, nor columns hold a line end. */
function fresh(prefix: string): string {
  const lists = ['idem_key', 'payload', ...COMPARED_COLUMNS]
  const from = lists
    .map((name) => `UNNEST(SPLIT(@${prefix}${name}, '\\n')) AS ${name} WITH OFFSET AS ${name}_place`)
    .map((list, index) => (index === 0 ? list : `JOIN ${list} ON ${lists[index] ?? ''}_place = idem_key_place`))
  const columns = COMPARED_COLUMNS.map((name) => `, NULLIF(${name}, '${MISSING}') AS ${name}`)
  return `SELECT idem_key, PARSE_JSON(payload, wide_number_mode => 'round') AS payload${columns.join('')} FROM ${from.join(' ')}`
}

const parametersOf = (prefix: string, records: readonly LocalRecord[]): Readonly<Record<string, string>> => ({
  [`${prefix}idem_key`]: records.map(({idemKey}) => idemKey).join('\n'),
  [`${prefix}payload`]: records.map(({payload}) => payload).join('\n'),
  ...Object.fromEntries(
    COMPARED_COLUMNS.map((name, index) => [
      `${prefix}${name}`,
      records.map(({values}) => values[index] ?? MISSING).join('\n'),
    ]),
  ),
})

async function readMarker({connection, queries, streams, signal}: ToOpen): Promise<Marker> {
  const ofStreams = streams.streams.map((stream) => `(${ofStream(stream)})`)
  const [row] = await queries.rows({
    sql: `SELECT CAST(COUNT(*) AS STRING) AS commits, ARRAY_AGG(correlation_id ORDER BY created_at DESC LIMIT 1)[SAFE_OFFSET(0)] AS last_run
 FROM ${connection.tableName(streams.tables.eventLog)}
 WHERE ${ANY_TIME} AND ((${ofStreams.join(' OR ')}) AND event_type = 'ingestion.completed' OR ${OF_RUNS} AND event_type = 'run.undone')`,
    what: WHAT,
    signal,
  })
  return {commits: Number(row?.['commits']), lastRun: row?.['last_run'] ?? undefined}
}
