import {messageWithCauses} from '../base/errors.ts'
import type {ConformanceSetup} from './setup.ts'
import type {Fault, ProxiedRequest} from './fault-proxy.ts'
import {read, readWhole} from './reading.ts'
import {SMALL, withTrial} from './trial.ts'

/** After these any request may be sent again: the service says that it did not take it. */
const REFUSALS: Readonly<Record<string, Fault>> = {
  '429 with Retry-After': {status: 429, headers: {'retry-after': '1'}},
  '503': {status: 503},
}
/** After these only a request that changes nothing may be sent again. */
const PASSING: Readonly<Record<string, Fault>> = {
  '408': {status: 408},
  '500': {status: 500},
  '502': {status: 502, body: '<html>bad gateway</html>', headers: {'content-type': 'text/html'}},
  '504': {status: 504},
  'a connection that breaks before the answer': 'reset',
  'a connection that breaks in the answer': 'cut',
}

export const checkFaults = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const {proxy} = trial
    if (proxy === undefined) return
    const expected = new Set((await readWhole(trial)).keys)
    if (proxy.requests.length === 0) {
      throw new Error('it asked the test service nothing: its address must come from options(url)')
    }
    for (const [name, fault] of Object.entries({...REFUSALS, ...PASSING})) {
      const failed = new Set<string>()
      proxy.faultBy((request) => {
        const identity = JSON.stringify([request.method, request.path, request.body])
        if (failed.has(identity) || !(name in REFUSALS || isRepeatable(request))) return undefined
        failed.add(identity)
        return fault
      })
      const {keys, rejected, error} = await read(trial)
      if (error !== undefined) {
        throw new Error(`it gave up after ${name}, which passes: ${messageWithCauses(error)}`, {cause: error})
      }
      const found = new Set(keys)
      const missing = [...expected].filter((key) => !found.has(key))
      if (missing.length > 0)
        throw new Error(`after ${name} it went on without ${missing.length} records: ${missing[0]}`)
      if (rejected.length > 0) throw new Error(`after ${name} it rejected records: ${rejected[0]}`)
    }
  })

const isRepeatable = ({method, headers}: ProxiedRequest): boolean =>
  ['GET', 'HEAD', 'PUT', 'DELETE'].includes(method) ||
  String(headers['content-type']).startsWith('application/x-www-form-urlencoded')
