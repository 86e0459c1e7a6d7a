import {CLOCK_TOLERANCE} from '../../model/clock.ts'
import {COMPARED} from '../../model/raw-object-columns.ts'
import type {Stream} from '../../source.ts'
import {digestOf, type CommitBatch, type UnreadableRecord} from '../commit-batch.ts'
import type {ChangedRow, Compared, ComparedCounts, CompareOptions, Comparison, StreamsToCompare} from '../comparison.ts'
import {assertOneRowPerKey} from '../surplus-rows.ts'
import {assertFewUnreadable, UNREADABLE} from './classify.ts'
import {differs, ofStream} from './commit-sql.ts'
import type {Connection} from './connection.ts'
import {existingTables} from './definitions.ts'
import {BITS_OF_REPLACED, bitsHere} from './digest-sql.ts'
import {LocalBatch, type LocalRecord, type RecordInDoubt} from '../local-batch.ts'
import {isWithin, keySetOfKeys} from './key-set.ts'
import type {Queries} from './query.ts'
import {parametersOf, sentRecords, UNREADABLE_PLACES} from './sent-records.ts'
import {instant, literal} from './sql.ts'
import {readMarker, type Marker} from './changes-marker.ts'

/** A request with parameters may hold 10 MB (Google, "Quotas and limits"); JSON escapes, and other parameters, need room. */
const REQUEST_BYTES = 4_000_000
const WHAT = 'comparing with what is stored'

interface ToOpen {
  readonly streams: StreamsToCompare
  readonly connection: Connection
  readonly queries: Queries
  readonly signal: AbortSignal
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
  #bitsOfReplaced = 0n

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
    const moment = row?.['now'] ?? ''
    const marker = await readMarker({...given, eventLog}, new Date(moment))
    const batch = await LocalBatch.open(streams.folder)
    const comparison = new BigQueryComparison(given, batch, {
      tableExists: rawObjects,
      marker,
      moment,
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
    if (batch.rows === 0) return {counts: new Map(), inserted: [], unreadable: []}
    await this.#batch.stage(batch)
    this.#isStaged = true
    this.#bitsOfReplaced = 0n
    await this.#look()
    const unreadable = await this.#leaveOutUnreadable()
    const newest = new Date(batch.runStartedAt.getTime() + CLOCK_TOLERANCE)
    const counts = new Map<string, ComparedCounts>()
    const refusedKeys: string[] = []
    for (const {objectType, keys, duplicates} of await this.#batch.countsByObjectType()) {
      const stream = streams.find((one) => one.objectType === objectType)
      if (stream === undefined) throw new Error(`no stream of object type ${objectType} is being read`)
      const written = await this.#batch.countWritten(objectType)
      const {stored, newer} = await this.#findStored(stream, newest)
      const ofStored = await this.#compareStored(stream, isChanged)
      const ofWritten = await this.#compareWritten(stream, isChanged)
      const refused = [...ofStored.unreadable, ...ofWritten.unreadable]
      refusedKeys.push(...refused)
      unreadable.push(...refused.map((idemKey) => ({stream, idemKey, reason: UNREADABLE})))
      assertFewUnreadable(unreadable.length)
      const update = ofStored.changed + ofWritten.changed
      counts.set(objectType, {
        insert: keys - written - stored,
        update,
        unchanged: written + stored - newer - update - refused.length,
        newer,
        duplicate: duplicates,
      })
    }
    const samples = insertedSamples === 0 ? [] : await this.#batch.firstNew(insertedSamples)
    return {
      counts,
      inserted: samples.map(({idemKey, payload}) => ({idemKey, payload})),
      unreadable,
      ...(batch.isDigested === true && {
        digest: digestOf([this.#bitsOfReplaced, await this.#batch.bitsOfKept(bitsHere, refusedKeys)]),
      }),
    }
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
    const marker = await readMarker({...this.#given, eventLog}, this.since)
    if (marker.commits !== this.#marker.commits && marker.lastRun !== streams.runId)
      this.#moved = {runId: marker.lastRun}
  }

  /** Asks of the records that are not plainly JSON; those that cannot be read are rejects, whatever is stored under their keys. */
  async #leaveOutUnreadable(): Promise<UnreadableRecord[]> {
    const {queries, signal} = this.#given
    const left: RecordInDoubt[] = []
    for await (const records of this.#batch.recordsInDoubt(REQUEST_BYTES)) {
      const values = {payload: records.map(({payload}) => payload).join('\n')}
      const places = await queries.rows({sql: UNREADABLE_PLACES, values, what: WHAT, signal})
      left.push(...places.flatMap(({place}) => records[Number(place)] ?? []))
      assertFewUnreadable(left.length)
    }
    await this.#batch.leaveOut(left)
    return left.map(({stream, idemKey}) => ({stream, idemKey, reason: UNREADABLE}))
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
  async #compareStored(stream: Stream, isChanged: (row: ChangedRow) => boolean): Promise<ComparedTexts> {
    const compared: ComparedTexts = {changed: 0, unreadable: []}
    for await (const records of this.#batch.recordsToCompare(stream.objectType, REQUEST_BYTES)) {
      const keys = records.map(({idemKey}) => idemKey)
      await this.#compareTexts(
        compared,
        `SELECT fresh.idem_key, ${IS_UNREADABLE}, TO_JSON_STRING(stored.payload) AS stored, CAST(UNIX_MILLIS(stored.last_seen) AS STRING) AS last_seen, CAST(${BITS_OF_REPLACED} AS STRING) AS bits
 FROM (${sentRecords('')}) AS fresh JOIN ${this.#stored()} ON stored.idem_key = fresh.idem_key
 WHERE ${amongKeys(stream, keys)} AND (${DIFFERS})`,
        records,
        parametersOf('', records),
        isChanged,
      )
    }
    return compared
  }

  /** Compares with what earlier batches would have written; reads no table. */
  async #compareWritten(stream: Stream, isChanged: (row: ChangedRow) => boolean): Promise<ComparedTexts> {
    const now = String(Date.now())
    const compared: ComparedTexts = {changed: 0, unreadable: []}
    for await (const records of this.#batch.rewritten(stream.objectType, REQUEST_BYTES)) {
      await this.#compareTexts(
        compared,
        `SELECT fresh.idem_key, ${IS_UNREADABLE}, TO_JSON_STRING(stored.payload) AS stored, '${now}' AS last_seen, CAST(${BITS_OF_REPLACED} AS STRING) AS bits
 FROM (${sentRecords('')}) AS fresh JOIN (${sentRecords('former_')}) AS stored ON stored.idem_key = fresh.idem_key
 WHERE ${DIFFERS}`,
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
    return compared
  }

  async #compareTexts(
    compared: ComparedTexts,
    sql: string,
    records: readonly LocalRecord[],
    values: Readonly<Record<string, string>>,
    isChanged: (row: ChangedRow) => boolean,
  ): Promise<void> {
    const {queries, signal} = this.#given
    const payloads = new Map(records.map(({idemKey, payload}) => [idemKey, payload]))
    const changed: string[] = []
    for await (const rows of queries.pages({sql, values, what: WHAT, signal})) {
      for (const row of rows) {
        const idemKey = row['idem_key'] ?? ''
        if (row['unreadable'] === 'unreadable') {
          compared.unreadable.push(idemKey)
          continue
        }
        changed.push(idemKey)
        this.#bitsOfReplaced ^= BigInt(row['bits'] ?? 0)
        isChanged({
          idemKey,
          stored: row['stored'] ?? '',
          staged: payloads.get(idemKey) ?? '',
          lastSeen: new Date(Number(row['last_seen'])),
        })
      }
    }
    const [repeated] = await this.#batch.repeated(compared.unreadable)
    // An earlier one would be stored in its place, and the batch is no more what was compared.
    if (repeated !== undefined) throw new Error(`${repeated} came twice, and BigQuery cannot read it as JSON`)
    await this.#batch.addToWrite(changed)
    compared.changed += changed.length
  }

  /** Names the stored rows, as they were when the comparison began, unless this run itself writes them. */
  #stored(): string {
    const {connection, streams} = this.#given
    const at = streams.isWritten ? '' : ` FOR SYSTEM_TIME AS OF TIMESTAMP(${literal(this.#moment)})`
    return `${connection.tableName(streams.tables.rawObjects)} AS stored${at}`
  }
}

interface ComparedTexts {
  changed: number
  readonly unreadable: string[]
}

const IS_UNREADABLE = "IF(fresh.payload IS NULL, 'unreadable', '') AS unreadable"
const DIFFERS = `fresh.payload IS NULL OR ${COMPARED.map(differs).join(' OR ')}`

/** Compares the clustering columns with constants: BigQuery reads and bills only the blocks that can hold the keys. */
const amongKeys = (stream: Stream, keys: readonly string[]): string =>
  `${ofStream(stream, 'stored.')} AND ${isWithin('stored.idem_key', keySetOfKeys(keys))}`
