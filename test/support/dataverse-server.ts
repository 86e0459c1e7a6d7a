import {fork} from 'node:child_process'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {DatabaseSync} from 'node:sqlite'

import type {TableRows} from './dataverse-rows.ts'
import type {Seed} from './dataverse/server.ts'

const PATH = '/api/data/v9.2'
const ORGANIZATION_ID = '5b2d8f3e-0000-4000-8000-00000000c11e'
const METADATA = [
  {LogicalName: 'contact', EntitySetName: 'contacts', PrimaryIdAttribute: 'contactid'},
  {
    LogicalName: 'cre92_clientsession',
    EntitySetName: 'cre92_clientsessions',
    PrimaryIdAttribute: 'cre92_clientsessionid',
  },
  {LogicalName: 'cre92_clientreport', EntitySetName: 'cre92_clientreports', PrimaryIdAttribute: 'cre92_clientreportid'},
].map((table) => ({...table, ChangeTrackingEnabled: 1}))

/** An OData v4 server with the addresses of Dataverse, in a process of its own. */
export interface DataverseServer {
  /** Where a client would find the environment. */
  readonly url: string
  readonly organizationId: string
  /** The rows of an entity set, from the server's own database. */
  stored(entitySet: string): readonly Readonly<Record<string, unknown>>[]
  insert(entitySet: string, row: object): Promise<void>
  update(entitySet: string, id: string, change: object): Promise<void>
  remove(entitySet: string, id: string): Promise<void>
  close(): Promise<void>
}

export interface DataverseServerOptions {
  readonly pageSize?: number
  /** Next pages begin after the last key, as Dataverse's do, not at an offset. */
  readonly keyset?: boolean
}

export async function startDataverseServer(
  tables: TableRows,
  {pageSize = 1000, keyset = true}: DataverseServerOptions = {},
): Promise<DataverseServer> {
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-dataverse-'))
  const database = join(folder, 'dataverse.sqlite')
  const child = fork(join(import.meta.dirname, 'dataverse', 'server.ts'), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: {...process.env, NODE_NO_WARNINGS: '1'},
  })
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const close = async (): Promise<void> => {
    child.kill()
    await ended
    await rm(folder, {recursive: true, force: true})
  }
  const seed: Seed = {
    database,
    organizationId: ORGANIZATION_ID,
    tables: {...tables, EntityDefinitions: METADATA},
    pageSize,
    keyset,
  }
  const answer = await new Promise<{port?: number; error?: string}>((resolve) => {
    child.once('message', resolve)
    child.once('close', () => resolve({error: `the local Dataverse server ended: ${complaints}`}))
    child.send(seed)
  })
  if (answer.port === undefined) {
    await close()
    throw new Error(answer.error)
  }
  const url = `http://127.0.0.1:${answer.port}`
  const call = async (method: string, path: string, body?: object): Promise<void> => {
    const response = await fetch(`${url}${PATH}/${path}`, {
      method,
      headers: {'content-type': 'application/json', 'if-match': '*'},
      body: body === undefined ? null : JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
  return {
    url,
    organizationId: ORGANIZATION_ID,
    stored: (entitySet) => {
      const connection = new DatabaseSync(database, {readOnly: true})
      try {
        return connection.prepare(`SELECT * FROM Dataverse_${entitySet}`).all()
      } finally {
        connection.close()
      }
    },
    insert: async (entitySet, row) => call('POST', entitySet, row),
    update: async (entitySet, id, change) => call('PATCH', `${entitySet}(${id})`, change),
    remove: async (entitySet, id) => call('DELETE', `${entitySet}(${id})`),
    close,
  }
}
