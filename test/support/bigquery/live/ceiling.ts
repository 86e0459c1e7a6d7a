import {createServer, type IncomingMessage} from 'node:http'
import type {AddressInfo} from 'node:net'
import {buffer} from 'node:stream/consumers'

import {withoutConstants} from '../../../../src/warehouse/bigquery/sql.ts'

const LEAST_PER_TABLE = 10 * 1024 * 1024
/** One request waits for its answer so long; milliseconds. */
const LONGEST_REQUEST = 180_000

interface Sent {
  readonly configuration?: {readonly dryRun?: boolean; readonly query?: Query}
}

interface Query {
  readonly query: string
  readonly dryRun?: boolean
  readonly maximumBytesBilled?: string
}

interface Answered {
  readonly jobReference?: {readonly jobId?: string}
  readonly totalBytesBilled?: string
  readonly totalBytesProcessed?: string
  readonly statistics?: {readonly query?: {readonly totalBytesBilled?: string}}
}

/** What the statements of a suite have cost so far, in bytes. */
export interface Spent {
  readonly statements: number
  /** As the service says. */
  readonly billed: number
  /** Ten MB for each table that a statement names: a service that bills would have billed that. */
  readonly least: number
}

export interface Ceiling {
  readonly url: string
  readonly spent: Spent
  close(): Promise<void>
}

/**
 * Stands between a suite and a service, whatever process asks: each statement goes on with what is left of so many bytes as its
 * `maximumBytesBilled`, and none when nothing is left.
 */
export async function startCeiling(target: () => string, bytes: number): Promise<Ceiling> {
  const billedBy = new Map<string, number>()
  let [statements, least, unnamed] = [0, 0, 0]
  const billed = (): number => [...billedBy.values()].reduce((sum, one) => sum + one, unnamed)

  const limited = (query: Query): Query => {
    const left = Math.min(bytes - billed(), Number(query.maximumBytesBilled ?? bytes))
    return {...query, maximumBytesBilled: String(left)}
  }
  const count = (answer: Answered): void => {
    const told = answer.statistics?.query?.totalBytesBilled ?? answer.totalBytesBilled
    const jobId = answer.jobReference?.jobId
    if (told !== undefined && jobId !== undefined) billedBy.set(jobId, Number(told))
    else if (told === undefined && answer.totalBytesProcessed !== undefined && jobId !== undefined) {
      if (!billedBy.has(jobId)) billedBy.set(jobId, Number(answer.totalBytesProcessed))
    } else unnamed += Number(told ?? 0)
  }

  const pass = async (incoming: IncomingMessage): Promise<{status: number; type: string; body: Buffer}> => {
    const {method = 'GET', url = '/', headers} = incoming
    let body = await buffer(incoming)
    const isJob = method === 'POST' && /\/projects\/[^/]+\/(jobs|queries)(\?|$)/.test(url) && !url.startsWith('/upload')
    if (isJob) {
      const sent = JSON.parse(body.toString()) as Sent & Query
      const query = sent.configuration?.query ?? (typeof sent.query === 'string' ? sent : undefined)
      if (query !== undefined && sent.configuration?.dryRun !== true && query.dryRun !== true) {
        if (billed() >= bytes) return refused(bytes)
        statements += 1
        least += LEAST_PER_TABLE * new Set(withoutConstants(query.query).match(/`[^`]+`/g)).size
        const changed = sent.configuration === undefined ? limited(sent) : withQuery(sent, limited(query))
        body = Buffer.from(JSON.stringify(changed))
      }
    }
    const answer = await fetch(`${target()}${url}`, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]) =>
        PASSED.has(name) && typeof value === 'string' ? [[name, value]] : [],
      ),
      ...(body.length > 0 && {body: Uint8Array.from(body)}),
      signal: AbortSignal.timeout(LONGEST_REQUEST),
    })
    const got = Buffer.from(await answer.arrayBuffer())
    const type = answer.headers.get('content-type') ?? 'application/json'
    if (type.includes('json') && got.length > 0 && /\/(jobs|queries)(\/|\?|$)/.test(url)) {
      count(JSON.parse(got.toString()) as Answered)
    }
    return {status: answer.status, type, body: got}
  }

  const server = createServer((incoming, outgoing) => {
    void pass(incoming)
      .catch((error: unknown) => json(502, {error: {code: 502, message: String(error), errors: []}}))
      .then(({status, type, body}) => {
        outgoing.writeHead(status, {'content-type': type})
        outgoing.end(body)
      })
  })
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  const {port} = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    get spent() {
      return {statements, billed: billed(), least}
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

const PASSED = new Set(['authorization', 'content-type', 'x-goog-user-project', 'user-agent'])

const withQuery = (sent: Sent, query: Query): Sent => ({...sent, configuration: {...sent.configuration, query}})

const json = (status: number, answer: object): {status: number; type: string; body: Buffer} => ({
  status,
  type: 'application/json',
  body: Buffer.from(JSON.stringify(answer)),
})

function refused(bytes: number): ReturnType<typeof json> {
  const message = `Query exceeded limit for bytes billed: the suite may bill ${bytes} in all`
  return json(400, {error: {code: 400, message, errors: [{reason: 'bytesBilledLimitExceeded', message}]}})
}
