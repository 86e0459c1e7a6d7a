import {randomUUID} from 'node:crypto'

import * as z from 'zod'

import type {Connection} from './connection.ts'
import {inLocation, runJob, type Job} from './jobs.ts'

export interface Statement {
  readonly sql: string
  readonly values?: Readonly<Record<string, string>>
  readonly what: string
  readonly signal?: AbortSignal | undefined
}

export interface QuerySettings {
  readonly maxBytesBilled?: string | undefined
}

/** A row holds its values by column; every value is asked for as STRING or INT64 and so arrives as text. */
export type Row = Readonly<Record<string, string | null>>

const pageShape = z.object({
  schema: z.object({fields: z.array(z.object({name: z.string()}))}).optional(),
  rows: z.array(z.object({f: z.array(z.object({v: z.string().nullable()}))})).optional(),
  pageToken: z.string().optional(),
})

const PAGE_ROWS = '50000'
const LONGEST_JOB = 6 * 60 * 60 * 1000

/** Runs statements against one dataset, each with the user's ceiling on what it may bill. */
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

  async rows(statement: Statement): Promise<readonly Row[]> {
    const all: Row[] = []
    for await (const page of this.pages(statement)) all.push(...page)
    return all
  }

  async *pages(statement: Statement): AsyncGenerator<readonly Row[]> {
    const {what, signal} = statement
    const job = await this.run(`lorchestra-read-${randomUUID()}`, statement)
    const {jobId, location} = job.jobReference
    for (let token: string | undefined = ''; token !== undefined;) {
      const {
        schema,
        rows = [],
        pageToken,
      }: z.infer<typeof pageShape> = pageShape.parse(
        await this.#connection.request({
          method: 'GET',
          path: `/queries/${jobId}`,
          query: {
            ...(location === undefined ? inLocation(this.#connection) : {location}),
            maxResults: PAGE_ROWS,
            ...(token !== '' && {pageToken: token}),
          },
          what,
          signal,
        }),
      )
      const names = schema?.fields.map(({name}) => name) ?? []
      yield rows.map(({f}) => Object.fromEntries(names.map((name, index) => [name, f[index]?.v ?? null])))
      token = pageToken === '' ? undefined : pageToken
    }
  }

  #configuration({sql, values = {}}: Statement): object {
    return {
      query: {
        query: sql,
        useLegacySql: false,
        useQueryCache: false,
        parameterMode: 'NAMED',
        queryParameters: Object.entries(values).map(([name, value]) => ({
          name,
          parameterType: {type: 'STRING'},
          parameterValue: {value},
        })),
        ...(this.#settings.maxBytesBilled !== undefined && {maximumBytesBilled: this.#settings.maxBytesBilled}),
      },
      jobTimeoutMs: String(LONGEST_JOB),
      labels: {tool: 'lorchestra'},
    }
  }
}
