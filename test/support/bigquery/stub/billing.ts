import {call, query} from '../emulator.ts'
import {failedJob} from './jobs.ts'
import type {Answer, Forward, PassedRequest, Rule} from './server.ts'
import {changedBy, statementIn} from './statement.ts'

const LEAST_PER_TABLE = 10 * 1024 * 1024
const TABLE_NAME = /`([^`]+)`/g

interface Field {
  readonly name: string
  readonly type: string
}

/** Bytes of one value, by the rules of BigQuery; a JSON value is counted as its text. */
const SIZES: Readonly<Record<string, (column: string) => string>> = {
  STRING: (column) => `2 + BYTE_LENGTH(${column})`,
  JSON: (column) => `BYTE_LENGTH(TO_JSON_STRING(${column}))`,
}
const FIXED = () => '8'

/**
 * What a statement bills on demand: the columns that it reads of every table that it names, at least 10 MB for each;
 * and, where it changes rows, that table as a whole. Clustering and partitions make the real bill smaller, never larger.
 */
export class Billing implements Rule {
  readonly #emulator: string
  /** Of every statement so far. */
  readonly bills: {readonly sql: string; readonly bytes: number}[] = []

  constructor(emulator: string) {
    this.#emulator = emulator
  }

  async answer(request: PassedRequest, forward: Forward): Promise<Answer> {
    const sent = statementIn(request)
    if (sent === undefined) return forward()
    const before = await this.#billFor(sent.statements)
    const {maximumBytesBilled} = sent
    if (maximumBytesBilled !== undefined && before > Number(maximumBytesBilled)) {
      const message = `Query exceeded limit for bytes billed: ${maximumBytesBilled}. ${before} or higher required.`
      return failedJob(sent.job.jobReference, 'bytesBilledLimitExceeded', message)
    }
    const answer = await forward()
    this.bills.push({sql: sent.sql, bytes: before})
    const {statistics, ...job} = answer.json as {statistics?: {query?: object}}
    const billed = {totalBytesBilled: String(before)}
    return {...answer, json: {...job, statistics: {...statistics, query: {...statistics?.query, ...billed}}}}
  }

  async #billFor(statements: readonly string[]): Promise<number> {
    let bytes = 0
    for (const statement of statements) {
      const changed = changedBy(statement)
      for (const table of new Set([...statement.matchAll(TABLE_NAME)].map((match) => match[1] ?? ''))) {
        const isRead = table === changed ? () => true : readsOf(statement, table)
        const read = await this.#bytesOf(table, isRead)
        if (read !== undefined) bytes += Math.max(LEAST_PER_TABLE, read)
      }
    }
    return bytes
  }

  /** `undefined` where there is no such table yet. */
  async #bytesOf(table: string, isRead: (column: string) => boolean): Promise<number | undefined> {
    const [, dataset, name] = table.split('.')
    const described = await call(this.#emulator, 'GET', `/datasets/${dataset}/tables/${name}`).catch(() => undefined)
    if (described === undefined) return undefined
    const {schema} = described as {schema: {fields: readonly Field[]}}
    const sizes = schema.fields
      .filter((field) => isRead(field.name))
      .map(({name: column, type}) => (SIZES[type] ?? FIXED)(column))
    if (sizes.length === 0) return 0
    const [row] = await query(
      this.#emulator,
      `SELECT SUM(${sizes.map((size) => `IFNULL(${size}, 0)`).join(' + ')}) AS bytes FROM \`${table}\``,
    )
    return Number(row?.['bytes'] ?? 0)
  }
}

/** By its alias where it has one; names that only say where a value goes are no reads. */
function readsOf(statement: string, table: string): (column: string) => boolean {
  const reading = statement.replace(/^\s*INSERT INTO `[^`]+` \([^)]*\)/, '')
  const alias = new RegExp(`\`${table}\` AS (\\w+)`).exec(reading)?.[1]
  const before = alias === undefined ? '(?<!\\.|AS )\\b' : `\\b${alias}\\.`
  return (column) => new RegExp(`${before}${column}\\b`).test(reading)
}
