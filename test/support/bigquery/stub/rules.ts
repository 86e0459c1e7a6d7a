import {call, query} from '../emulator.ts'
import {failedJob, refused} from './jobs.ts'
import type {Answer, Forward, PassedRequest, Rule} from './server.ts'
import {changedBy, statementIn} from './statement.ts'

interface TableReference {
  readonly projectId: string
  readonly datasetId: string
  readonly tableId: string
}

const nameOf = ({projectId, datasetId, tableId}: TableReference): string => `${projectId}.${datasetId}.${tableId}`

/** A MERGE that updates fails where two rows of its source match one row; the emulator takes one of them. */
export class OneSourceRowPerMatch implements Rule {
  readonly #emulator: string

  constructor(emulator: string) {
    this.#emulator = emulator
  }

  async answer(request: PassedRequest, forward: Forward): Promise<Answer> {
    const sent = statementIn(request)
    for (const statement of sent?.statements ?? []) {
      const found = /MERGE INTO (`[^`]+`) AS \w+ USING (`[^`]+`)/.exec(statement)
      if (found === null || changedBy(statement) === undefined) continue
      const [, target, source] = found
      const twice = await query(
        this.#emulator,
        `SELECT 1 AS one FROM (SELECT idem_key FROM ${source} GROUP BY idem_key HAVING COUNT(*) > 1) AS twice
         JOIN ${target} AS stored ON stored.idem_key = twice.idem_key LIMIT 1`,
      )
      const message = 'UPDATE/MERGE must match at most one source row for each target row'
      if (twice.length > 0) return failedJob(sent?.job.jobReference ?? {}, 'invalidQuery', message)
    }
    return forward()
  }
}

/** Rows that were streamed cannot be changed for a while; here they never can. */
export class StreamingBuffer implements Rule {
  readonly #streamed = new Set<string>()

  async answer(request: PassedRequest, forward: Forward): Promise<Answer> {
    const {method, path} = request
    const table = /^\/datasets\/([^/]+)\/tables\/([^/]+)\/insertAll$/.exec(path)
    if (method === 'POST' && table !== null) this.#streamed.add(`${table[1]}.${table[2]}`)
    const sent = statementIn(request)
    for (const statement of sent?.statements ?? []) {
      const target = changedBy(statement)
      if (target === undefined || !this.#streamed.has(target.replace(/^[^.]+\./, ''))) continue
      const message = `UPDATE or DELETE statement over table ${target} would affect rows in the streaming buffer, which is not supported`
      return failedJob(sent?.job.jobReference ?? {}, 'invalidQuery', message)
    }
    return forward()
  }
}

interface DefaultsOfDataset {
  readonly defaultTableExpirationMs?: string
  readonly defaultPartitionExpirationMs?: string
  readonly defaultCollation?: string
  readonly defaultEncryptionConfiguration?: object
}

interface MadeTable extends Readonly<Record<string, unknown>> {
  readonly tableReference: TableReference
  readonly timePartitioning?: {readonly expirationMs?: string}
}

/** A new table gets from its dataset what it does not say itself; the end of a table with partitions is that of these. */
function inherited(made: MadeTable, defaults: DefaultsOfDataset): MadeTable {
  const {defaultTableExpirationMs, defaultPartitionExpirationMs, defaultCollation} = defaults
  const {defaultEncryptionConfiguration: encryptionConfiguration} = defaults
  const {timePartitioning} = made
  const partitionsEnd = timePartitioning !== undefined && defaultPartitionExpirationMs !== undefined
  return {
    ...(encryptionConfiguration !== undefined && {encryptionConfiguration}),
    ...(defaultCollation !== undefined && {defaultCollation}),
    ...(defaultTableExpirationMs !== undefined &&
      !partitionsEnd && {expirationTime: String(Date.now() + Number(defaultTableExpirationMs))}),
    ...made,
    ...(partitionsEnd && {timePartitioning: {expirationMs: defaultPartitionExpirationMs, ...timePartitioning}}),
  }
}

/**
 * A table is described as it was defined, and patched, with what it inherits of its dataset; the emulator forgets keys, policy
 * tags, collations, its end and more, and gives it nothing of its dataset.
 */
export class WholeDefinitions implements Rule {
  readonly #defined = new Map<string, object>()

  async answer({method, path, json}: PassedRequest, forward: Forward): Promise<Answer> {
    const answer = await forward()
    if (answer.status >= 300) return answer
    if (method === 'POST' && /^\/datasets\/[^/]+\/tables$/.test(path)) {
      const made = json as MadeTable
      const defaults: DefaultsOfDataset = this.#defined.get(path.replace(/\/tables$/, '')) ?? {}
      this.#defined.set(`${path}/${made.tableReference.tableId}`, inherited(made, defaults))
    }
    if (method === 'PATCH') {
      const patched = Object.entries({...this.#defined.get(path), ...(json as object)})
      this.#defined.set(path, Object.fromEntries(patched.filter(([, value]) => value !== null)))
    }
    if (method === 'DELETE') this.#defined.delete(path)
    const defined = method === 'GET' ? this.#defined.get(path) : undefined
    return defined === undefined ? answer : {...answer, json: {...(answer.json as object), ...defined}}
  }
}

/** A column that a statement adds is described; the emulator has it and does not say so. */
export class AddedColumns implements Rule {
  readonly #emulator: string

  constructor(emulator: string) {
    this.#emulator = emulator
  }

  async answer(request: PassedRequest, forward: Forward): Promise<Answer> {
    const answer = await forward()
    const {status} = answer.json as {readonly status?: {readonly errorResult?: object}}
    if (answer.status >= 300 || status?.errorResult !== undefined) return answer
    for (const statement of statementIn(request)?.statements ?? []) {
      const [, dataset, table] = /^\s*ALTER TABLE `[^`.]+\.([^`.]+)\.([^`]+)`/.exec(statement) ?? []
      const added = [...statement.matchAll(/ADD COLUMN IF NOT EXISTS (\w+) (\w+)/g)]
      if (table === undefined || added.length === 0) continue
      const path = `/datasets/${dataset}/tables/${table}`
      const {schema} = (await call(this.#emulator, 'GET', path)) as {readonly schema: {readonly fields: object[]}}
      const fields = added.map(([, name, type]) => ({name, type, mode: 'NULLABLE'}))
      await call(this.#emulator, 'PATCH', path, {schema: {fields: [...schema.fields, ...fields]}})
    }
    return answer
  }
}

const WINDOW = 10_000
const UPDATES = {plain: 5, partitioned: 50}

/** Five changes of a table's definition or contents by jobs in ten seconds, fifty where it is partitioned; DML is free. */
export class MetadataUpdates implements Rule {
  readonly #updates = new Map<string, number[]>()
  readonly #partitioned = new Set<string>()

  async answer(request: PassedRequest, forward: Forward): Promise<Answer> {
    const tables = this.#updatedBy(request)
    const now = performance.now()
    for (const table of tables) {
      const recent = (this.#updates.get(table) ?? []).filter((at) => now - at < WINDOW)
      if (recent.length >= (this.#partitioned.has(table) ? UPDATES.partitioned : UPDATES.plain)) {
        return refused(
          403,
          'rateLimitExceeded',
          `Exceeded rate limits: too many table update operations for this table (${table})`,
        )
      }
      this.#updates.set(table, [...recent, now])
    }
    return forward()
  }

  #updatedBy(request: PassedRequest): readonly string[] {
    const {method, path, json} = request
    if (method === 'PATCH') return [path]
    if (method !== 'POST') return []
    const {tableReference, timePartitioning, configuration} = (json ?? {}) as {
      tableReference?: TableReference
      timePartitioning?: object
      configuration?: {load?: {destinationTable: TableReference}}
    }
    if (tableReference !== undefined) {
      const name = nameOf(tableReference)
      if (timePartitioning !== undefined) this.#partitioned.add(name)
      return [name]
    }
    const load = configuration?.load
    if (load !== undefined) return [nameOf(load.destinationTable)]
    const made = /CREATE (?:OR REPLACE )?TABLE (?:IF NOT EXISTS )?`([^`]+)`/
    return (statementIn(request)?.statements ?? []).flatMap((statement) => made.exec(statement)?.[1] ?? [])
  }
}
