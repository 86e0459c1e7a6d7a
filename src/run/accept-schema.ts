import {nameOfStream} from '../model/stream.ts'
import {randomBytes} from 'node:crypto'
import {join} from 'node:path'

import type {WarehouseConfig} from '../config/config.ts'
import {ownProcess} from '../base/process-identity.ts'
import {createEvent} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import type {SchemaChange} from '../model/stream-schema.ts'
import {openSink} from '../sink/open-sink.ts'
import {changesAsPayload} from '../warehouse/schema-events.ts'
import {openWarehouse} from '../warehouse/open-warehouse.ts'
import type {StreamScope} from '../warehouse/warehouse.ts'

export interface Acceptance {
  readonly scope: StreamScope
  readonly changes: readonly SchemaChange[]
}

interface AcceptingCommand {
  readonly warehouse: WarehouseConfig
  readonly cacheDir: string
  readonly mode: RunMode
  readonly signal: AbortSignal
}

/** Logs that the changes are accepted, as one event in the tables of the mode, while no run reads the stream. Gives its id. */
export async function acceptChanges(
  {warehouse, cacheDir, mode, signal}: AcceptingCommand,
  {scope, changes}: Acceptance,
): Promise<string> {
  const {job, account, stream} = scope
  const runId = `${job}-schema-${randomBytes(4).toString('hex')}`
  const folder = join(cacheDir, 'spool', runId)
  const sink = openSink(
    {
      production: warehouse.tables,
      openWarehouse: async () => openWarehouse(warehouse, {temporaryFolder: folder, signal}),
      folder,
      needsCoverage: true,
      samples: 0,
      hiddenPaths: [],
    },
    mode,
  )
  const payload = {
    schema: 1,
    job,
    account,
    streams: [nameOfStream(stream)],
    process: {...(await ownProcess())},
    changes: changesAsPayload(changes),
  }
  // What takes the stream is written with the event that says so; nothing else is to be written here.
  await sink.begin({
    runId,
    scopes: [scope],
    started: () => createEvent({type: 'schema.accepted', runId, at: new Date(), ...stream, payload}),
  })
  await sink.close()
  return runId
}
