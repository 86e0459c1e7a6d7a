import {setFlagsFromString} from 'node:v8'

import {createHttpClient} from '../src/sources/http/http-client.ts'
import {AccountTraffic} from '../src/sources/http/account-traffic.ts'
import type {RunMode} from '../src/model/run-mode.ts'
import gmail from '../plugins/gmail/src/source.ts'
import {options as schema} from '../plugins/gmail/src/options.ts'
import {scriptedRun, silentLog} from '../test/support/scripted-run.ts'

export interface ReaderRequest {
  readonly what: 'production' | 'dry-run' | 'floor'
  readonly url: string
  readonly folder: string
  readonly concurrency: number
  readonly unitsPerMinute: number
  /** At the end, however much there is. */
  readonly oneCommit?: boolean
}

export interface ReaderResult {
  readonly messages: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
  /** Of that, what was reached until the last message had come and nothing was committed yet. */
  readonly peakBytesBeforeCommit: number
}

const headers = {authorization: 'Bearer stub-token'}

/** A bare loop of `fetch`: what no program that reads a mailbox message by message can beat. */
async function readPlainly({url, concurrency}: ReaderRequest): Promise<number> {
  let messages = 0
  let pageToken: string | undefined
  do {
    const query = `maxResults=500${pageToken === undefined ? '' : `&pageToken=${pageToken}`}`
    const page = (await (await fetch(`${url}/gmail/v1/users/me/messages?${query}`, {headers})).json()) as {
      messages: {id: string}[]
      nextPageToken?: string
    }
    const worker = async (): Promise<void> => {
      for (let next = page.messages.pop(); next !== undefined; next = page.messages.pop()) {
        const answer = await fetch(`${url}/gmail/v1/users/me/messages/${next.id}?format=full`, {headers})
        const message = (await answer.json()) as {id: string}
        if (message.id === next.id) messages += 1
      }
    }
    await Promise.all(Array.from({length: concurrency}, worker))
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  return messages
}

/** The whole run: into a DuckDB file, or as a dry run, which does all but the writing. */
async function readWithLorchestra(
  {url, folder, concurrency, unitsPerMinute, oneCommit}: ReaderRequest,
  mode: RunMode,
): Promise<number> {
  const options = schema.parse({
    client_id: 'stub-client',
    client_secret: 'stub-secret',
    refresh_token: 'stub-refresh-token',
    api_url: url,
    token_url: `${url}/token`,
    concurrency,
    units_per_minute: unitsPerMinute,
  })
  const traffic = new AccountTraffic()
  traffic.limitTo(unitsPerMinute)
  const {counts, error} = await scriptedRun({
    source: gmail,
    options,
    folder,
    mode,
    runId: `run-${process.pid}`,
    ...(oneCommit === true && {
      commitAfter: {records: Infinity, milliseconds: Infinity},
      // Asking takes longer than a message, so it is not done where speed is measured.
      observe: ({extracted}) => {
        if (extracted !== undefined) peakBytesBeforeCommit = peakBytes()
      },
    }),
    http: createHttpClient({signal: new AbortController().signal, log: silentLog, traffic}),
  })
  if (error !== undefined) throw new Error('the run failed', {cause: error})
  return mode === 'dry-run' ? counts.extracted : counts.inserted
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024
let peakBytesBeforeCommit = 0
// As `runJobs` has it.
setFlagsFromString('--semi-space-growth-factor=1')
const request = JSON.parse(process.argv[2] ?? '') as ReaderRequest
await import('@duckdb/node-api')
const cpuBefore = process.cpuUsage()
const startedAt = performance.now()
const messages = await (request.what === 'floor' ? readPlainly(request) : readWithLorchestra(request, request.what))
const seconds = (performance.now() - startedAt) / 1000
const {user, system} = process.cpuUsage(cpuBefore)
const result: ReaderResult = {
  messages,
  seconds,
  cpuSeconds: (user + system) / 1e6,
  peakBytes: peakBytes(),
  peakBytesBeforeCommit,
}
process.stdout.write(JSON.stringify(result))
