import type {Readable} from 'node:stream'

import type {Dispatcher} from 'undici'

import {proxyFor} from '../../base/proxy.ts'
import {unpacked} from './content-coding.ts'

export interface Sending {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly signal: AbortSignal
}

export interface Received {
  readonly status: number
  readonly headers: Headers
  /** The unpacked body, to be read or destroyed. */
  readonly body: Readable
}

let loading: Promise<(url: URL, sending: Sending) => Promise<Dispatcher.ResponseData>> | undefined

/** Gives the answer as it is: nothing is followed, tried again or timed here. */
export async function send(url: URL, sending: Sending): Promise<Received> {
  loading ??= loadRequest()
  const {statusCode: status, headers, body} = await (await loading)(url, sending)
  return {
    status,
    headers: headersOf(headers),
    body: await unpacked(body, [headers['content-encoding'] ?? []].flat().join(), sending.signal),
  }
}

async function loadRequest() {
  const {Agent, ProxyAgent, request} = await import('undici')
  const options = {allowH2: false, headersTimeout: 0, bodyTimeout: 0}
  const direct = new Agent(options)
  const proxied = new Map<string, Dispatcher>()
  const dispatcherFor = (url: URL): Dispatcher => {
    const proxy = proxyFor(url)
    if (proxy === undefined) return direct
    const dispatcher = proxied.get(proxy.href) ?? new ProxyAgent({...options, uri: proxy.href})
    proxied.set(proxy.href, dispatcher)
    return dispatcher
  }
  return async (url: URL, {method, headers, body, signal}: Sending) =>
    request(url, {
      dispatcher: dispatcherFor(url),
      method,
      headers: {...headers, 'accept-encoding': 'gzip'},
      body,
      signal,
    })
}

function headersOf(received: Dispatcher.ResponseData['headers']): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(received))
    for (const value of [values].flat()) if (value !== undefined) headers.append(name, asBytes(value))
  return headers
}

/** Servers may send any bytes; `Headers` knows them as Latin-1 alone. */
const asBytes = (text: string): string => (/[\u0100-\uFFFF]/.test(text) ? Buffer.from(text).toString('latin1') : text)
