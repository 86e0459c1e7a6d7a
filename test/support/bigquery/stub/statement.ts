import {withoutConstants} from '../../../../src/warehouse/bigquery/sql.ts'
import type {PassedRequest} from './server.ts'

interface QueryJob {
  readonly jobReference: object
  readonly configuration?: {readonly query?: {readonly query: string; readonly maximumBytesBilled?: string}}
}

export interface StatementSent {
  readonly job: QueryJob
  readonly maximumBytesBilled: string | undefined
  /** Without what stands in quotes. */
  readonly statements: readonly string[]
  readonly sql: string
}

/** What a request asks to be executed. */
export function statementIn({method, path, json}: PassedRequest): StatementSent | undefined {
  if (method !== 'POST' || path !== '/jobs') return undefined
  const job = json as QueryJob
  const query = job.configuration?.query
  if (query === undefined) return undefined
  const statements = withoutConstants(query.query).split(';')
  return {job, maximumBytesBilled: query.maximumBytesBilled, statements, sql: query.query}
}

/** The table whose rows a statement changes or removes; one that only adds rows changes none. */
export function changedBy(statement: string): string | undefined {
  const target = /^\s*(?:UPDATE|DELETE FROM|MERGE INTO)\s+`([^`]+)`/.exec(statement)?.[1]
  return /^\s*MERGE/.test(statement) && !/WHEN MATCHED/.test(statement) ? undefined : target
}
