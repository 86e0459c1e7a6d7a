import * as z from 'zod'

import {failure} from '../../base/errors.ts'
import type {TableSet, Writes} from '../../model/tables.ts'
import type {Rights} from '../rights.ts'
import type {Connection} from './connection.ts'
import {tryJob} from './jobs.ts'
import {LEASE, STAGING} from './names.ts'
import {isForbidden, isNotFound} from './service-error.ts'

/** They change a table, its rows, or who may do so. */
const WRITING = [
  'bigquery.tables.updateData',
  'bigquery.tables.update',
  'bigquery.tables.delete',
  'bigquery.tables.setIamPolicy',
] as const
const NEEDED = {
  nothing: ['bigquery.tables.get', 'bigquery.tables.getData'],
  // Its definition is copied.
  test: ['bigquery.tables.get'],
  production: ['bigquery.tables.get', 'bigquery.tables.getData', 'bigquery.tables.updateData'],
} as const satisfies Readonly<Record<Writes, readonly string[]>>

const RUNS: Readonly<Record<Writes, string>> = {
  nothing: 'dry runs',
  test: 'test runs',
  production: 'runs in production',
}
const MORE = 'docs/bigquery.md says which rights each mode needs, as commands.'

const answerShape = z.object({permissions: z.array(z.string()).optional()})

interface Asked {
  readonly connection: Connection
  readonly production: TableSet
  /** The service account that runs are, where one is named. */
  readonly identity: string | undefined
  readonly signal: AbortSignal
}

/** Asks what whoever writes these tables may do, without doing any of it. Throws a failure where that is too little. */
export async function examineRights(writes: Writes, asked: Asked): Promise<Rights> {
  const {connection, production, identity, signal} = asked
  const who = identity === undefined ? 'the credentials of all modes' : identity
  const tables = [production.eventLog, production.rawObjects]
  const held: ReadonlySet<string>[] = []
  for (const table of tables) held.push(await permissionsOn(connection, table, signal))
  const lacking = await needsThatLack(writes, asked, held)
  if (lacking.length > 0)
    throw failure(`${RUNS[writes]} lack rights: ${who} may not ${lacking.join(', ')}`, {
      code: 'E_PERMISSION_DENIED',
      next: `Grant them, or name another account under warehouse.identities. ${MORE}`,
    })
  if (writes === 'production') return {isProved: true, found: `may write ${tables.join(' and ')}, as ${who}`}
  const seen = held.every((permissions) => permissions.has('bigquery.tables.get'))
  const writing = WRITING.filter((permission) => held.some((permissions) => permissions.has(permission)))
  const besideThem = (await mayCreate(connection, LEASE.production, signal)) ? ['bigquery.tables.create'] : []
  const excess = [...besideThem, ...writing]
  if (seen && excess.length === 0)
    return {isProved: true, found: `${RUNS[writes]} cannot write production: proved by IAM, as ${who}`}
  const reason = seen
    ? `${who} has ${excess.join(', ')} there`
    : `IAM tells nothing of ${tables.join(' and ')}, which ${who} cannot see or which are not there yet`
  return {
    isProved: false,
    found: `${RUNS[writes]} do not write production, which IAM does not prove: ${reason}`,
    next: `Give them an identity of their own${writes === 'test' ? ', and test tables a dataset of their own' : ''}. ${MORE}`,
  }
}

/** Names what these runs must be allowed to do, and are not. */
async function needsThatLack(
  writes: Writes,
  {connection, signal}: Asked,
  held: readonly ReadonlySet<string>[],
): Promise<readonly string[]> {
  // Of a table that is not there nothing is held.
  const known = held.filter((permissions) => permissions.size > 0)
  const lacking: string[] = NEEDED[writes].filter((need) => known.some((permissions) => !permissions.has(need)))
  if (!(await mayRunJobs(connection, signal))) lacking.push('bigquery.jobs.create')
  if (writes === 'nothing') return lacking
  for (const start of [LEASE[writes], STAGING[writes]])
    if (!(await mayCreate(connection, start, signal)))
      lacking.push(`bigquery.tables.create in ${connection.referenceTo(start).datasetId}`)
  return [...new Set(lacking)]
}

/** The service answers with nothing for a table that is not there; an answer that is too long proves less, never more. */
async function permissionsOn(connection: Connection, table: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const permissions = [...new Set([...WRITING, ...Object.values(NEEDED).flat()])]
  try {
    const answer = await connection.request({
      method: 'POST',
      path: `${connection.pathOf(table)}:testIamPermissions`,
      body: {permissions},
      what: `asking what may be done with table ${table}`,
      signal,
    })
    return new Set(answerShape.parse(answer ?? {}).permissions)
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return new Set()
    throw error
  }
}

const mayRunJobs = async (connection: Connection, signal: AbortSignal): Promise<boolean> =>
  isAllowed(connection, 'SELECT 1 AS one', signal)

/** Datasets have no question of this kind; the service looks at the right to make a table when a job is only tried. */
async function mayCreate(connection: Connection, start: string, signal: AbortSignal): Promise<boolean> {
  const table = `${start}check`
  connection.allowWrites({tables: [table], prefixes: []})
  return isAllowed(connection, `CREATE TABLE ${connection.tableName(table)} (one INT64)`, signal)
}

async function isAllowed(connection: Connection, query: string, signal: AbortSignal): Promise<boolean> {
  try {
    const asking = {what: 'asking what may be done', signal, asksOnly: true}
    await tryJob(connection, {query: {query, useLegacySql: false}}, asking)
    return true
  } catch (error) {
    if (isForbidden(error)) return false
    throw error
  }
}
