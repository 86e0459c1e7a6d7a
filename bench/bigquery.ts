import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {cpus, tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {parseArgs} from 'node:util'

import {definitionsOf} from '../src/model/tables.ts'
import {builtInMetadata} from '../src/warehouse/bigquery/table-metadata.ts'
import {call, PROJECT, startEmulator} from '../test/support/bigquery/emulator.ts'
import {Billing} from '../test/support/bigquery/stub/billing.ts'
import {startStub} from '../test/support/bigquery/stub/server.ts'
import {PRODUCTION} from '../test/support/scripted-run.ts'
import {writePlainFile, type BigQueryCase, type BigQueryCaseResult} from './bigquery-case.ts'
import {median} from './cases.ts'
import {startUploadSink, type SinkStatistics} from './upload-sink.ts'

/**
 * Whole runs into BigQuery, against a sink that swallows the upload and an emulator for the rest, beside a plain script
 * that uploads the same lines with Google's client.
 */
const {values: flags} = parseArgs({
  options: {
    sizes: {type: 'string', default: '10000,1000000'},
    repeats: {type: 'string', default: '3'},
    folder: {type: 'string', default: tmpdir()},
    json: {type: 'boolean', default: false},
  },
})
const MB = 1e6

interface Measured extends BigQueryCaseResult {
  readonly sink: SinkStatistics
}

const emulator = await startEmulator()
const sink = await startUploadSink(emulator.url)
const billing = new Billing(emulator.url)
const billed = await startStub(emulator.url, [billing])
const billedSink = await startUploadSink(billed.url)

async function newDataset(): Promise<string> {
  const dataset = await emulator.createDataset()
  for (const [tableId, definition] of definitionsOf(PRODUCTION)) {
    const tableReference = {projectId: PROJECT, datasetId: dataset, tableId}
    await call(emulator.url, 'POST', `/datasets/${dataset}/tables`, {tableReference, ...builtInMetadata(definition)})
  }
  return dataset
}

/** In a process of its own, so that its peak of memory is its own. */
async function measure(order: Omit<BigQueryCase, 'url'>, through = sink): Promise<Measured> {
  through.statistics()
  const program = join(import.meta.dirname, 'bigquery-case.ts')
  const child = spawn(process.execPath, [program, JSON.stringify({...order, url: through.url})], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${order.what}, ${order.records} records: exit ${code}`)
  return {...(JSON.parse(output) as BigQueryCaseResult), sink: through.statistics()}
}

interface Row {
  readonly records: number
  readonly run: Measured
  readonly client: Measured
  /** How fast the run uploads, as a part of how fast the plain client does. */
  readonly ratio: number
  /** Of all repeats. */
  readonly ratios?: readonly number[]
}

/** One after the other, in turns first. */
async function measureSize(records: number, clientFirst: boolean): Promise<Row> {
  const folder = await mkdtemp(join(resolve(flags.folder), 'lorchestra-bench-'))
  try {
    await writePlainFile(join(folder, 'plain.ndjson'), records)
    const cases = ['plain client', 'lorchestra'] as const
    const measured = new Map<string, Measured>()
    for (const what of clientFirst ? cases : cases.toReversed()) {
      measured.set(what, await measure({what, dataset: await newDataset(), records, folder}))
    }
    const [client, run] = cases.map((what) => measured.get(what)) as [Measured, Measured]
    const speed = ({sink: {uploadedBytes, uploadSeconds}}: Measured): number => uploadedBytes / uploadSeconds
    return {records, run, client, ratio: speed(run) / speed(client)}
  } finally {
    await rm(folder, {recursive: true})
  }
}

const rows: Row[] = []
for (const records of flags.sizes.split(',').map(Number)) {
  const repeated: Row[] = []
  for (let repeat = 0; repeat < Number(flags.repeats); repeat += 1) {
    repeated.push(await measureSize(records, repeat % 2 === 0))
  }
  const middle = median(repeated.map(({ratio}) => ratio))
  const typical = repeated.toSorted((a, b) => Math.abs(a.ratio - middle) - Math.abs(b.ratio - middle))[0] as Row
  rows.push({...typical, ratios: repeated.map(({ratio}) => ratio)})
}

const folder = await mkdtemp(join(resolve(flags.folder), 'lorchestra-bench-'))
const dataset = await newDataset()
await measure({what: 'lorchestra', dataset, records: 1000, folder})
const idle = await measure({what: 'nothing new', dataset, records: 0, folder})
await measure({what: 'nothing new', dataset, records: 0, folder}, billedSink)
const idleBytes = billing.bills.reduce((sum, {bytes}) => sum + bytes, 0)
await rm(folder, {recursive: true})
await Promise.all([sink.close(), billedSink.close(), billed.close()])
await emulator.stop()

const machine = {cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', node: process.version}
if (flags.json) {
  console.log(JSON.stringify({schema: 1, machine, rows, idle, idleBytes}, null, 2))
} else {
  console.log(`${machine.cpus} x ${machine.model}, node ${machine.node}`)
  console.table(
    rows.map(({records, run, client, ratio}) => ({
      records,
      'records/s': Math.round(records / run.seconds),
      'upload MB/s': Math.round(run.sink.uploadedBytes / MB / run.sink.uploadSeconds),
      'plain client MB/s': Math.round(client.sink.uploadedBytes / MB / client.sink.uploadSeconds),
      'of the client': Number(ratio.toFixed(2)),
      'peak MB': Math.round(run.peakBytes / MB),
      'client MB': Math.round(client.peakBytes / MB),
      requests: run.sink.requests,
      jobs: run.sink.jobs,
      loads: run.sink.uploads,
    })),
  )
  const {requests, jobs} = idle.sink
  console.log(
    `nothing new: ${idle.seconds.toFixed(2)} s, ${requests} requests, ${jobs} jobs, ${Math.round(idleBytes / 2 ** 20)} MiB billed`,
  )
}
