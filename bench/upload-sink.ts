import {createServer, type IncomingMessage} from 'node:http'
import type {AddressInfo} from 'node:net'
import {buffer} from 'node:stream/consumers'

import {query} from '../test/support/bigquery/emulator.ts'

export interface SinkStatistics {
  readonly requests: number
  readonly jobs: number
  readonly uploads: number
  readonly uploadedBytes: number
  /** From the first byte of the first upload to the answer of the last. */
  readonly uploadSeconds: number
}

export interface UploadSink {
  readonly url: string
  /** Since it was asked last. */
  statistics(): SinkStatistics
  close(): Promise<void>
}

interface LoadJob {
  readonly jobReference: {readonly jobId: string}
  readonly configuration: {
    readonly load: {
      readonly destinationTable: {readonly projectId: string; readonly datasetId: string; readonly tableId: string}
    }
  }
}

const NEW_LINE = 10

/**
 * Swallows what is uploaded, at once and without looking at it, and puts as many small rows into the staging table
 * before the next statement; everything else goes on to the emulator. So a load costs what the client's side of it costs.
 */
export async function startUploadSink(emulator: string): Promise<UploadSink> {
  let tally = {requests: 0, jobs: 0, uploads: 0, uploadedBytes: 0}
  const loads = new Map<string, object>()
  const inserts: string[] = []
  let rows = 0
  let [first, last] = [Infinity, 0]

  const upload = async (incoming: IncomingMessage): Promise<object> => {
    first = Math.min(first, performance.now())
    const {job, lines, bytes} = await swallow(incoming)
    last = Math.max(last, performance.now())
    tally.uploads += 1
    tally.uploadedBytes += bytes
    const {projectId, datasetId, tableId} = job.configuration.load.destinationTable
    const before = rows
    rows += lines
    inserts.push(
      `INSERT INTO \`${projectId}.${datasetId}.${tableId}\` (idem_key, source_system, object_type, external_id, sequence, payload)
       SELECT CONCAT('message:scripted--acct1:', n), 'scripted--acct1', 'message', CAST(n AS STRING), n, JSON '{}'
       FROM UNNEST(GENERATE_ARRAY(${before + 1}, ${before + lines})) AS n`,
    )
    const statistics = {load: {outputRows: String(lines)}}
    const ended = {jobReference: job.jobReference, status: {state: 'DONE'}, statistics}
    loads.set(job.jobReference.jobId, ended)
    return ended
  }

  const pass = async (incoming: IncomingMessage): Promise<Response> => {
    const body = await buffer(incoming)
    // Not while uploads go on, which would be measured with them.
    if (incoming.url?.split('?')[0]?.endsWith('/jobs') === true)
      for (const sql of inserts.splice(0)) await query(emulator, sql)
    const type = incoming.headers['content-type'] ?? 'application/json'
    return fetch(`${emulator}${incoming.url ?? ''}`, {
      method: incoming.method ?? 'GET',
      headers: {'content-type': type},
      ...(body.length > 0 && {body: Uint8Array.from(body)}),
    })
  }

  const server = createServer((incoming, outgoing) => {
    tally.requests += 1
    const path = (incoming.url ?? '').split('?')[0] ?? ''
    if (incoming.method === 'POST' && path.endsWith('/jobs')) tally.jobs += 1
    const load = loads.get(path.split('/').at(-1) ?? '')
    const swallowed = path.startsWith('/upload/') ? upload(incoming) : load && Promise.resolve(load)
    const answered =
      swallowed?.then((json) => ({status: 200, text: JSON.stringify(json)})) ??
      pass(incoming).then(async (answer) => ({status: answer.status, text: await answer.text()}))
    answered.then(
      ({status, text}) => outgoing.writeHead(status, {'content-type': 'application/json'}).end(text),
      (error: unknown) => outgoing.destroy(error as Error),
    )
  })
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    statistics() {
      const uploadSeconds = last === 0 ? 0 : (last - first) / 1000
      const answer = {...tally, uploadSeconds}
      tally = {requests: 0, jobs: 0, uploads: 0, uploadedBytes: 0}
      rows = 0
      inserts.splice(0)
      first = Infinity
      last = 0
      return answer
    },
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/** Keeps the beginning, where the job stands, and of the rest counts the lines. */
async function swallow(incoming: IncomingMessage): Promise<{job: LoadJob; lines: number; bytes: number}> {
  let head = Buffer.alloc(0)
  let data = false
  let [lines, bytes] = [0, 0]
  const boundary = /boundary=([^;]+)/.exec(incoming.headers['content-type'] ?? '')?.[1] ?? ''
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    let rest = chunk
    if (!data) {
      head = Buffer.concat([head, chunk])
      const second = head.indexOf(`--${boundary}`, boundary.length + 4)
      const begin = second < 0 ? -1 : head.indexOf('\r\n\r\n', second)
      if (begin < 0) continue
      data = true
      rest = head.subarray(begin + 4)
      head = head.subarray(0, second)
    }
    for (let at = rest.indexOf(NEW_LINE); at >= 0; at = rest.indexOf(NEW_LINE, at + 1)) lines += 1
  }
  const json = head.subarray(head.indexOf('\r\n\r\n') + 4).toString()
  // The end of the last part is two line ends of its own.
  return {job: JSON.parse(json) as LoadJob, lines: lines - 2, bytes}
}
