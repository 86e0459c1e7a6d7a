import {withoutConstants} from '../../../../src/warehouse/bigquery/sql.ts'
import {call} from '../emulator.ts'
import {failedJob, refused} from './jobs.ts'
import type {Answer, Forward, PassedRequest, Rule} from './server.ts'

const VIEWER = ['bigquery.datasets.get', 'bigquery.tables.get', 'bigquery.tables.list', 'bigquery.tables.getData']
const ROLES = {
  dataViewer: VIEWER,
  dataEditor: [...VIEWER, ...['create', 'update', 'updateData', 'delete'].map((right) => `bigquery.tables.${right}`)],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type Role = keyof typeof ROLES

/** What an account may do: a role on each dataset, and the role jobUser on the project. */
export interface Grants {
  readonly jobUser: boolean
  readonly datasets: Readonly<Record<string, Role>>
}

interface Need {
  readonly permission: string
  readonly dataset: string
}

export interface RightsOptions {
  readonly emulator: string
  readonly whoIs: (authorization: string | undefined) => string | undefined
  /** By account. */
  readonly grants: ReadonlyMap<string, Grants>
}

export interface JudgedRequest extends PassedRequest {
  readonly account: string
  readonly needs: readonly Need[]
  readonly isRefused: boolean
}

interface SentJob {
  readonly jobReference: object
  readonly configuration: {
    readonly dryRun?: boolean
    readonly query?: {readonly query: string}
    readonly load?: {readonly destinationTable: {readonly datasetId: string}}
  }
}

const WRITES = /\b(INSERT INTO|UPDATE|MERGE INTO|DELETE FROM|TRUNCATE TABLE|ALTER TABLE)\s+$/
const DROPS = /\bDROP TABLE (IF EXISTS )?$/
const CREATES = /\bCREATE (OR REPLACE )?TABLE (IF NOT EXISTS )?$/

/** Lets each account do what its roles on datasets allow, as IAM does; says so when it is asked. */
export class Rights implements Rule {
  /** All since the last `forget`. */
  readonly judged: JudgedRequest[] = []
  readonly #options: RightsOptions

  constructor(options: RightsOptions) {
    this.#options = options
  }

  forget(): void {
    this.judged.splice(0)
  }

  async answer(request: PassedRequest, forward: Forward): Promise<Answer> {
    const account = this.#options.whoIs(request.authorization)
    const grants = account === undefined ? undefined : this.#options.grants.get(account)
    if (account === undefined || grants === undefined)
      return refused(401, 'authError', 'Request had invalid authentication credentials.')
    const needs = needsOf(request)
    const missing = needs.find((need) => !isGranted(grants, need))
    this.judged.push({...request, account, needs, isRefused: missing !== undefined})
    if (request.path.endsWith(':testIamPermissions')) return told(request, grants, this.#options.emulator)
    if (missing === undefined) return forward()
    const message = `Access Denied: ${missing.dataset}: Permission ${missing.permission} denied (or it may not exist).`
    const job = request.json as SentJob | undefined
    return job?.configuration === undefined || job.configuration.dryRun === true || missing.dataset === ''
      ? refused(403, 'accessDenied', message)
      : failedJob(job.jobReference, 'accessDenied', message)
  }
}

const isGranted = ({jobUser, datasets}: Grants, {permission, dataset}: Need): boolean =>
  dataset === '' ? jobUser : permissionsOn(datasets[dataset]).includes(permission)

const permissionsOn = (role: Role | undefined): readonly string[] => (role === undefined ? [] : ROLES[role])

/** Of a table that is not there nothing is told. */
async function told({path, json}: PassedRequest, {datasets}: Grants, emulator: string): Promise<Answer> {
  const [, dataset = ''] = /^\/datasets\/([^/]+)\//.exec(path) ?? []
  const {permissions} = json as {permissions: readonly string[]}
  const held = permissions.filter((permission) => permissionsOn(datasets[dataset]).includes(permission))
  const isThere = await call(emulator, 'GET', path.replace(/:\w+$/, '')).then(
    () => true,
    () => false,
  )
  return {status: 200, json: isThere && held.length > 0 ? {permissions: held} : {}}
}

function needsOf({method, path, json}: PassedRequest): readonly Need[] {
  const [, dataset, table] = /^\/datasets\/([^/]+)(\/tables.*)?$/.exec(path) ?? []
  if (dataset !== undefined) {
    if (path.endsWith(':testIamPermissions')) return []
    return [{permission: `bigquery.${table === undefined ? 'datasets' : 'tables'}.${rightOf(method, table)}`, dataset}]
  }
  if (method !== 'POST') return []
  const {query, load} = (json as SentJob).configuration
  const written = load === undefined ? [] : [{permission: UPDATE_DATA, dataset: load.destinationTable.datasetId}]
  return [
    {permission: 'bigquery.jobs.create', dataset: ''},
    ...written,
    ...(query === undefined ? [] : needsOfStatements(query.query)),
  ]
}

const UPDATE_DATA = 'bigquery.tables.updateData'

function rightOf(method: string, table: string | undefined): string {
  const rights: Readonly<Record<string, string>> = {POST: 'create', PATCH: 'update', DELETE: 'delete'}
  return rights[method] ?? (table === '/tables' ? 'list' : 'get')
}

function needsOfStatements(written: string): readonly Need[] {
  const sql = withoutConstants(written)
  return [...sql.matchAll(/`([^`]+)`/g)].map(({1: name = '', index}) => {
    const before = sql.slice(0, index)
    const dataset = name.split('.').at(-2) ?? ''
    if (CREATES.test(before)) return {permission: 'bigquery.tables.create', dataset}
    if (DROPS.test(before)) return {permission: 'bigquery.tables.delete', dataset}
    return {permission: WRITES.test(before) ? UPDATE_DATA : 'bigquery.tables.getData', dataset}
  })
}
