import {createServer, type IncomingMessage} from 'node:http'
import type {AddressInfo} from 'node:net'
import {buffer} from 'node:stream/consumers'

/** A request on its way to the emulator. */
export interface PassedRequest {
  readonly method: string
  /** Behind the project's name; uploads begin with `/upload`. */
  readonly path: string
  /** Of an upload: the job that comes before the data. */
  readonly json: unknown
  readonly authorization: string | undefined
}

export interface Answer {
  readonly status: number
  readonly json: unknown
}

export type Forward = () => Promise<Answer>

/** One rule of BigQuery. It answers in BigQuery's place, or lets `forward` do it and may change that answer. */
export interface Rule {
  answer(request: PassedRequest, forward: Forward): Promise<Answer>
}

export interface Stub {
  readonly url: string
  close(): Promise<void>
}

/** A stub: it stands in front of the emulator and enforces rules of BigQuery that the emulator lacks, the first one first. */
export async function startStub(emulator: string, rules: readonly Rule[]): Promise<Stub> {
  const server = createServer((incoming, outgoing) => {
    const answered = answerTo(incoming, emulator, rules).catch((error: unknown) => ({
      status: 500,
      json: {error: {code: 500, message: String(error), errors: [{reason: 'stub', message: String(error)}]}},
    }))
    void answered.then(({status, json}) => {
      outgoing.writeHead(status, {'content-type': 'application/json'})
      outgoing.end(json === undefined ? '' : JSON.stringify(json))
    })
  })
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  const {port} = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

async function answerTo(incoming: IncomingMessage, emulator: string, rules: readonly Rule[]): Promise<Answer> {
  const {method = 'GET', url = '/', headers} = incoming
  const body = await buffer(incoming)
  const type = headers['content-type'] ?? ''
  const path = (url.split('?')[0] ?? '').replace(/^(\/upload)?\/bigquery\/v2\/projects\/[^/]+/, '$1')
  const json: unknown = body.length === 0 ? undefined : JSON.parse(jsonPart(body, type))
  const request = {method, path, json, authorization: headers.authorization}
  let forward = async (): Promise<Answer> => {
    const answer = await fetch(`${emulator}${url}`, {
      method,
      headers: {'content-type': type},
      ...(body.length > 0 && {body: Uint8Array.from(body)}),
    })
    const text = await answer.text()
    return {status: answer.status, json: text === '' ? undefined : JSON.parse(text)}
  }
  for (const rule of rules.toReversed()) {
    const next = forward
    forward = async () => rule.answer(request, next)
  }
  return forward()
}

function jsonPart(body: Buffer, type: string): string {
  const boundary = /boundary=([^;]+)/.exec(type)?.[1]
  if (boundary === undefined) return body.toString()
  const start = body.indexOf('\r\n\r\n') + 4
  return body.subarray(start, body.indexOf(`\r\n--${boundary}`, start)).toString()
}
