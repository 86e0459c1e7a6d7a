import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {DatabaseSync} from 'node:sqlite'

import cds from '@sap/cds'
import express from 'express'

/** What the parent process sends to begin with; the answer is the port. */
export interface Seed {
  /** SQLite, where the rows lie. */
  readonly database: string
  readonly organizationId: string
  /** The rows of a table have the same columns, and values that SQLite knows. */
  readonly tables: Readonly<Record<string, readonly object[]>>
  readonly pageSize: number
  /** Next pages begin after the last key, not at an offset. */
  readonly keyset: boolean
}

async function serve({database, organizationId, tables, pageSize, keyset}: Seed): Promise<number> {
  cds.root = import.meta.dirname
  cds.env.requires['db'] = {kind: 'sqlite', impl: '@cap-js/sqlite', credentials: {url: database}}
  cds.env.requires['auth'] = {kind: 'dummy'}
  cds.env.query.limit = {max: pageSize, ...(keyset && {reliablePaging: {enabled: true}})}
  const model = await cds.load(join(import.meta.dirname, 'model.cds'))
  cds.model = cds.compile.for.nodejs(model)
  cds.db = await cds.deploy(model).to('db')
  const app = express()
  await cds
    .serve('all')
    .from(model)
    .in(app)
    .with((service) => service.on('WhoAmI', () => ({OrganizationId: organizationId})))
  fill(database, tables)
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Past the service, which takes longer to insert twenty thousand rows than most tests to read them. */
function fill(database: string, tables: Seed['tables']): void {
  const connection = new DatabaseSync(database)
  try {
    connection.exec('BEGIN')
    for (const [name, rows] of Object.entries(tables)) {
      const columns = Object.keys(rows[0] ?? {})
      if (columns.length === 0) continue
      const places = columns.map((column) => `:${column}`).join(', ')
      const insert = connection.prepare(`INSERT INTO Dataverse_${name} (${columns.join(', ')}) VALUES (${places})`)
      for (const row of rows) insert.run(row as Record<string, string | number | null>)
    }
    connection.exec('COMMIT')
  } finally {
    connection.close()
  }
}

// Ends with the process that wanted it, however that ends.
process.once('disconnect', () => process.kill(process.pid))
process.once('message', (seed: Seed) => {
  serve(seed).then(
    (port) => process.send?.({port}),
    (error: unknown) => process.send?.({error: error instanceof Error ? error.stack : 'unknown'}),
  )
})
