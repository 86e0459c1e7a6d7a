import {createReadStream} from 'node:fs'
import {open} from 'node:fs/promises'
import {once} from 'node:events'
import {join} from 'node:path'
import {pipeline} from 'node:stream/promises'

import {idOf, SyntheticRecords, syntheticSource} from './records.ts'

export interface BigQueryCase {
  /** The plain client uploads one file with the same lines, which it finds there. */
  readonly what: 'lorchestra' | 'plain client' | 'nothing new'
  readonly url: string
  readonly dataset: string
  readonly records: number
  readonly folder: string
}

export interface BigQueryCaseResult {
  readonly seconds: number
  readonly peakBytes: number
}

const SEED = 1
const CHUNK = 1024 * 1024
const PROJECT = 'test-project'
const FIELDS = [
  ...['idem_key', 'source_system', 'object_type', 'external_id'].map((name) => ({name, type: 'STRING'})),
  {name: 'sequence', type: 'INTEGER'},
  {name: 'payload', type: 'JSON'},
]

/** The lines that a run would spool, in one file. */
export async function writePlainFile(path: string, count: number): Promise<void> {
  const records = new SyntheticRecords(count, SEED)
  const file = await open(path, 'w')
  let chunk = ''
  for (let index = 0; index < count; index += 1) {
    const payload = records.at(index, 1)
    const id = idOf(payload)
    const line = {
      idem_key: `message:scripted--acct1:${id}`,
      source_system: 'scripted--acct1',
      object_type: 'message',
      external_id: id,
      sequence: index,
      payload,
    }
    chunk += `${JSON.stringify(line)}\n`
    if (chunk.length >= CHUNK || index === count - 1) {
      await file.write(chunk)
      chunk = ''
    }
  }
  await file.close()
}

async function uploadPlainly({url, dataset, folder}: BigQueryCase): Promise<() => Promise<void>> {
  const {BigQuery} = await import('@google-cloud/bigquery')
  const {PassThroughClient} = await import('google-auth-library')
  const client = new BigQuery({projectId: PROJECT, apiEndpoint: url, authClient: new PassThroughClient()})
  return async () => {
    const [table] = await client.dataset(dataset, {location: 'US'}).createTable('plainly', {schema: {fields: FIELDS}})
    const upload = table.createWriteStream({
      sourceFormat: 'NEWLINE_DELIMITED_JSON',
      schema: {fields: FIELDS},
      writeDisposition: 'WRITE_TRUNCATE',
      createDisposition: 'CREATE_NEVER',
    })
    const complete = once(upload, 'complete')
    await Promise.all([pipeline(createReadStream(join(folder, 'plain.ndjson')), upload), complete])
  }
}

async function run({what, url, dataset, folder, records}: BigQueryCase): Promise<() => Promise<void>> {
  const {scriptedRun} = await import('../test/support/scripted-run.ts')
  const {BigQueryWarehouse} = await import('../src/warehouse/bigquery/warehouse.ts')
  const expected = what === 'nothing new' ? 0 : records
  return async () => {
    const connection = {project: PROJECT, dataset, apiEndpoint: url}
    const {counts, error} = await scriptedRun({
      source: syntheticSource(new SyntheticRecords(expected, SEED), 1),
      folder,
      runId: `run-${Date.now()}`,
      warehouse: () => new BigQueryWarehouse(connection, new AbortController().signal),
    })
    if (error !== undefined) throw new Error('the run failed', {cause: error})
    if (counts.inserted !== expected) throw new Error(JSON.stringify(counts))
  }
}

if (process.argv[1] === import.meta.filename) {
  const order = JSON.parse(process.argv[2] ?? '') as BigQueryCase
  const work = await (order.what === 'plain client' ? uploadPlainly(order) : run(order))
  const startedAt = performance.now()
  await work()
  const result: BigQueryCaseResult = {
    seconds: (performance.now() - startedAt) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  }
  process.stdout.write(JSON.stringify(result))
}
