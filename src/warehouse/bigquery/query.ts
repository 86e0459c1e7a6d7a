import {randomUUID} from 'node:crypto'

import * as z from 'zod'

import {failure} from '../../base/errors.ts'
import {pause} from '../../base/waiting.ts'
import type {Connection} from './connection.ts'
import {isOneReading} from './guard.ts'
import {inLocation, runJob, tryJob, type Job} from './jobs.ts'

export interface Statement {
  readonly sql: string
  readonly values?: Readonly<Record<string, string>>
  readonly what: string
  readonly signal?: AbortSignal | undefined
  /** A person wrote it: names without a dataset are of the configured one, and an answer that is there already will do. */
  readonly adHoc?: boolean
  /** It tells how something ended, or frees a stream, and reads next to nothing: no ceiling keeps it from that. */
  readonly ending?: boolean
}

/** The service describes a column of an answer like this. */
export interface Field {
  readonly name: string
  readonly type: string
  readonly mode?: string | undefined
  readonly fields?: readonly Field[] | undefined
}

/** A page of an answer holds values as the service writes them: text, or more of these in lists and records. */
export interface AnswerPage {
  readonly fields: readonly Field[]
  readonly rows: readonly (readonly unknown[])[]
}

export interface QuerySettings {
  /** All statements together may bill so many bytes; a decimal whole number. */
  readonly maxBytesBilled?: string | undefined
  readonly priority?: 'interactive' | 'batch' | undefined
}

/** A row holds its values by column; every value is asked for as STRING or INT64 and so arrives as text. */
export type Row = Readonly<Record<string, string | null>>

const fieldShape: z.ZodType<Field> = z.lazy(() =>
  z.object({name: z.string(), type: z.string(), mode: z.string().optional(), fields: z.array(fieldShape).optional()}),
)
const pageShape = z.object({
  /** False: there is nothing to be read yet. */
  jobComplete: z.boolean().default(true),
  schema: z.object({fields: z.array(fieldShape)}).optional(),
  rows: z.array(z.object({f: z.array(z.object({v: z.unknown()}))})).optional(),
  pageToken: z.string().optional(),
})

const estimateShape = z.object({
  statistics: z.object({
    totalBytesProcessed: z.string().optional(),
    query: z.object({totalBytesProcessed: z.string().optional(), statementType: z.string().optional()}).optional(),
  }),
})

export interface StatementEstimate {
  /** It would read so many bytes. */
  readonly bytes: number
  /** The service's own word for what it does: `SELECT`, `SCRIPT`. */
  readonly kind?: string
}

const PAGE_ROWS = 50_000
/** BigQuery runs a hundred side by side for a project before others wait (Google, "Quotas and limits"). */
const MOST_AT_ONCE = 8
/** An answer is asked for so often where the service calls that of a job that is done unfinished; the pauses make minutes. */
const INCOMPLETE_ANSWERS = 20
const LONGEST_JOB = 6 * 60 * 60 * 1000

/** Runs statements against one dataset, below the user's ceiling on what they may bill together. */
export class Queries {
  readonly #connection: Connection
  readonly #settings: QuerySettings
  #bytesBilled = 0

  constructor(connection: Connection, settings: QuerySettings) {
    this.#connection = connection
    this.#settings = settings
  }

  /** All statements so far billed so many bytes. */
  get bytesBilled(): number {
    return this.#bytesBilled
  }

  /** So many statements may run at once. What a ceiling leaves is judged before each of them, so below one they go one by one. */
  get atOnce(): number {
    return this.#settings.maxBytesBilled === undefined ? MOST_AT_ONCE : 1
  }

  /** Runs a statement that writes. The same id never runs twice. */
  async run(id: string, statement: Statement, {attempts}: {readonly attempts?: number} = {}): Promise<Job> {
    const {what, signal} = statement
    return runJob(this.#connection, {
      id,
      configuration: this.#configuration(statement),
      what,
      billed: (bytes) => (this.#bytesBilled += bytes),
      ...(signal !== undefined && {signal}),
      ...(attempts !== undefined && {attempts}),
    })
  }

  /** Has the service look at a statement without running it: it bills nothing and reads nothing. */
  async estimate(statement: Statement): Promise<StatementEstimate> {
    const {what, signal} = statement
    const answer = await tryJob(this.#connection, this.#configuration(statement), {what, signal, asksOnly: true})
    const {totalBytesProcessed, query} = estimateShape.parse(answer).statistics
    return {
      bytes: Number(query?.totalBytesProcessed ?? totalBytesProcessed ?? 0),
      ...(query?.statementType !== undefined && {kind: query.statementType}),
    }
  }

  async rows(statement: Statement): Promise<readonly Row[]> {
    const all: Row[] = []
    for await (const page of this.pages(statement)) all.push(...page)
    return all
  }

  async *pages(statement: Statement): AsyncGenerator<readonly Row[]> {
    for await (const {fields, rows} of this.answer(statement)) {
      yield rows.map((row) =>
        Object.fromEntries(fields.map(({name}, index) => [name, (row[index] ?? null) as string | null])),
      )
    }
  }

  /** Gives the answer page by page, the first one also where it has no row. */
  async *answer(statement: Statement, pageRows = PAGE_ROWS): AsyncGenerator<AnswerPage> {
    const {what, signal} = statement
    const job = await this.run(`lorchestra-read-${randomUUID()}`, statement)
    const {jobId, location} = job.jobReference
    let incomplete = 0
    for (let token: string | undefined = ''; token !== undefined;) {
      const {
        jobComplete,
        schema,
        rows = [],
        pageToken,
      }: z.infer<typeof pageShape> = pageShape.parse(
        await this.#connection.request({
          method: 'GET',
          path: `/queries/${jobId}`,
          query: {
            ...(location === undefined ? inLocation(this.#connection) : {location}),
            maxResults: String(pageRows),
            'formatOptions.useInt64Timestamp': 'true',
            ...(token !== '' && {pageToken: token}),
          },
          what,
          signal,
        }),
      )
      if (!jobComplete) {
        incomplete += 1
        if (incomplete === INCOMPLETE_ANSWERS) throw answerLate(what, jobId)
        await pause(this.#connection.pauseBefore(incomplete), signal)
        continue
      }
      yield {fields: schema?.fields ?? [], rows: rows.map(({f}) => f.map(({v}) => v))}
      token = pageToken === '' ? undefined : pageToken
    }
  }

  /** A statement may bill what others have left of the ceiling. The service refuses one that may bill more. */
  #ceiling(): {readonly maximumBytesBilled?: string} {
    const {maxBytesBilled} = this.#settings
    if (maxBytesBilled === undefined) return {}
    const left = BigInt(maxBytesBilled) - BigInt(this.#bytesBilled)
    if (left > 0n) return {maximumBytesBilled: left.toString()}
    throw failure(`all ${maxBytesBilled} bytes that may be billed are used up`, {
      code: 'E_WAREHOUSE_REFUSED',
      next: 'Raise warehouse.max_bytes_billed in lorchestra.yaml, or read a shorter window. Finished commits are kept.',
    })
  }

  #configuration({sql, values = {}, adHoc = false, ending = false}: Statement): object {
    const {project: projectId, dataset: datasetId, kmsKey} = this.#connection
    const {priority} = this.#settings
    return {
      query: {
        query: sql,
        useLegacySql: false,
        useQueryCache: adHoc,
        ...(adHoc && {defaultDataset: {projectId, datasetId}}),
        parameterMode: 'NAMED',
        queryParameters: Object.entries(values).map(([name, value]) => ({
          name,
          parameterType: {type: 'STRING'},
          parameterValue: {value},
        })),
        ...(!ending && this.#ceiling()),
        ...(priority === 'batch' && {priority: 'BATCH'}),
        // What else creates a table names the key itself.
        ...(kmsKey !== undefined && isOneReading(sql) && {destinationEncryptionConfiguration: {kmsKeyName: kmsKey}}),
      },
      jobTimeoutMs: String(LONGEST_JOB),
    }
  }
}

const answerLate = (what: string, jobId: string): Error =>
  failure(`BigQuery: ${what}: the job ${jobId} is done, and its answer does not come`, {
    code: 'E_WAREHOUSE_FAILED',
    next: 'Run the same command again.',
  })
