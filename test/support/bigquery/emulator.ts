import {existsSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {createServer, type AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as wait} from 'node:timers/promises'

import {startService, type Service} from '../service.ts'
import {chosenEmulator} from './emulators.ts'

export const PROJECT = 'test-project'

export interface Emulator {
  readonly url: string
  /** A new, empty dataset. */
  createDataset(): Promise<string>
  stop(): Promise<void>
}

/** An emulator, as scripts/bigquery-emulator.sh installs it, on a free port of this machine alone. */
export async function startEmulator(kind = chosenEmulator()): Promise<Emulator> {
  if (!existsSync(kind.folder)) {
    throw new Error(`${kind.name} is not installed: BIGQUERY_EMULATOR=${kind.name} sh scripts/bigquery-emulator.sh`)
  }
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-emulator-'))
  const command = kind.command({port, project: PROJECT, data: folder})
  const service = startService(command, {HOME: kind.folder, PATH: process.env['PATH'], TMPDIR: folder})
  const url = `http://127.0.0.1:${port}`
  await untilReady(url, service)
  let datasets = 0
  return {
    url,
    async createDataset() {
      datasets += 1
      const datasetId = `dataset_${datasets}`
      await call(url, 'POST', '/datasets', {datasetReference: {projectId: PROJECT, datasetId}})
      return datasetId
    },
    async stop() {
      await service.stop()
      await rm(folder, {recursive: true})
    },
  }
}

/** Past everything of ours, as a user's own tool would. */
export async function call(url: string, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${url}/bigquery/v2/projects/${PROJECT}${path}`, {
    method,
    ...(body !== undefined && {body: JSON.stringify(body), headers: {'content-type': 'application/json'}}),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

interface Answer {
  readonly schema?: {readonly fields?: readonly {readonly name: string}[]}
  readonly rows?: readonly {readonly f: readonly {readonly v: string | null}[]}[]
}

export async function query(url: string, sql: string): Promise<readonly Readonly<Record<string, string | null>>[]> {
  const {schema, rows = []} = (await call(url, 'POST', '/queries', {query: sql, useLegacySql: false})) as Answer
  const names = schema?.fields?.map(({name}) => name) ?? []
  return rows.map(({f}) => Object.fromEntries(names.map((name, index) => [name, f[index]?.v ?? null])))
}

async function untilReady(url: string, service: Service): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt += 1) {
    if (service.hasEnded()) throw new Error(`the emulator ended at once: ${service.complaints()}`)
    try {
      await call(url, 'GET', '/datasets')
      return
    } catch {
      await wait(100)
    }
  }
  await service.stop()
  throw new Error(`the emulator did not answer: ${service.complaints()}`)
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  const {port} = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}
