import type {CompletedRequest} from 'mockttp'

import {passTo, startFaultProxy} from '../fault-proxy.ts'

export interface SeenRequest {
  readonly method: string
  readonly project: string
  /** Behind the project's name. */
  readonly path: string
  readonly body: string
  readonly authorized: boolean
}

/**
 * What happens to a request: it breaks before or after the service acted, is not answered at all, waits before it is
 * passed on, or gets this answer instead.
 */
export type Fault =
  | 'reset before'
  | 'reset after'
  | 'hang'
  | {readonly until: Promise<unknown>}
  | {readonly status: number; readonly body: object}

export interface FaultyService {
  readonly url: string
  /** All since the last `forget`. */
  readonly seen: readonly SeenRequest[]
  /** Asked for every request, in order; `undefined` passes it on. */
  faults: (request: SeenRequest) => Fault | undefined
  forget(): void
  close(): Promise<void>
}

interface SentJob {
  readonly configuration?: {readonly query?: {readonly query: string; readonly destinationTable?: unknown}}
}

/** Could change something: it neither only looks nor is a single SELECT whose answer goes nowhere but back. */
export function isMutating({method, path, body}: SeenRequest): boolean {
  if (method === 'GET') return false
  if (method !== 'POST' || path !== '/jobs') return true
  const query = (JSON.parse(body) as SentJob).configuration?.query
  return (
    query === undefined || query.destinationTable !== undefined || !/^\s*(SELECT|WITH)\b[^;]*;?\s*$/.test(query.query)
  )
}

/** Names a table of this kind that is not its test table, in a path, a reference or a statement. */
export const namesProduction = ({path, body}: SeenRequest): boolean =>
  /tables\/(event_log|raw_objects)\b/.test(path) || /[`."](event_log|raw_objects)\b/.test(body)

/** Stands in front of the emulator, writes down what it is asked and breaks what it is told to. */
export async function startFaultyService(emulator: string): Promise<FaultyService> {
  const proxy = await startFaultProxy()
  const pass = passTo(emulator)
  const seen: SeenRequest[] = []
  const closed = Promise.withResolvers<void>()
  const service: FaultyService = {
    url: proxy.url,
    seen,
    faults: () => undefined,
    forget: () => seen.splice(0),
    close: async () => {
      closed.resolve()
      await proxy.close()
    },
  }
  await proxy.rules.forAnyRequest().thenCallback(async (request: CompletedRequest) => {
    const [, upload = '', project = '', path = ''] =
      /^(\/upload)?\/bigquery\/v2\/projects\/([^/]+)(.*)$/.exec(new URL(request.url).pathname) ?? []
    const one = {
      method: request.method,
      project: decodeURIComponent(project),
      path: `${upload}${path}`,
      body: (await request.body.getText()) ?? '',
      authorized: 'authorization' in request.headers,
    }
    seen.push(one)
    const fault = service.faults(one)
    if (fault === 'reset before') return 'reset'
    if (fault === 'hang') {
      await closed.promise
      return 'reset'
    }
    if (typeof fault === 'object' && 'until' in fault) await fault.until
    if (fault === undefined || (typeof fault === 'object' && 'until' in fault)) return pass(request)
    if (fault !== 'reset after') return {statusCode: fault.status, json: fault.body}
    await pass(request)
    return 'reset'
  })
  return service
}

export const refusal = (status: number, reason: string, message = 'no'): Fault => ({
  status,
  body: {error: {code: status, message, errors: [{reason, message}]}},
})

/** A job that was accepted and failed. */
export const failedJob = (reason: string, message: string): Fault => ({
  status: 200,
  body: {
    jobReference: {projectId: 'p', jobId: 'failed', location: 'US'},
    status: {state: 'DONE', errorResult: {reason, message}, errors: [{reason, message}]},
  },
})

/** The first request that fits. */
export function once(
  fits: (request: SeenRequest) => boolean,
  fault: Fault,
): (request: SeenRequest) => Fault | undefined {
  let done = false
  return (request) => {
    if (done || !fits(request)) return undefined
    done = true
    return fault
  }
}
