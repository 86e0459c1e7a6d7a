import {messageWithCauses} from '../base/errors.ts'
import type {ConformanceSetup} from './setup.ts'
import type {Fault, ProxiedRequest} from './fault-proxy.ts'
import {contextFor, read, streamsOf} from './reading.ts'
import {secretsOf, SMALL, withTrial, type Trial} from './trial.ts'

const SHORTEST = 4
const CREDENTIAL_HEADER = /^(authorization|cookie)$|api-?key|token|secret/i

const OCCASIONS: Readonly<Record<string, Fault | undefined>> = {
  'all went well': undefined,
  'it was answered 400': {status: 400},
  'it was answered 401': {status: 401},
  'it was answered 403': {status: 403},
  'it was answered 404': {status: 404},
  'it was answered 500': {status: 500},
  'it was answered with HTML': {status: 200, body: '<html></html>', headers: {'content-type': 'text/html'}},
}

/** Looks at what the source says by itself; the host masks what it can, but it knows only what it was told. */
export const checkSecrets = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const {proxy} = trial
    const secrets = new Set(secretsOf(trial).filter((secret) => secret.length >= SHORTEST))
    for (const [occasion, fault] of Object.entries(proxy === undefined ? {'all went well': undefined} : OCCASIONS)) {
      proxy?.faultBy(({index}) => (index === 0 ? undefined : fault))
      const first = await read(trial)
      const requests = [...(proxy?.requests ?? [])]
      proxy?.faultBy(() => fault)
      const second = await read(trial)
      requests.push(...(proxy?.requests ?? []))
      for (const credential of requests.flatMap(credentialsIn)) {
        assertDeclared(trial, credential)
        if (credential.length >= SHORTEST) secrets.add(credential)
      }
      for (const {log, error, rejected, keys, bookmark, checkpoints} of [first, second]) {
        const said: Readonly<Record<string, string>> = {
          'its log': log.join('\n'),
          'its error': error === undefined ? '' : messageWithCauses(error),
          'its rejects': rejected.join('\n'),
          'its keys': keys.join('\n'),
          'its bookmark': bookmark === undefined ? '' : JSON.stringify(bookmark),
          'its checkpoints': JSON.stringify(checkpoints),
        }
        for (const [where, text] of Object.entries(said)) assertHidden(secrets, text, where, occasion)
      }
    }
    proxy?.faultBy(() => undefined)
    const identity = (await setup.source.check?.(contextFor(trial, streamsOf(trial))))?.identity ?? ''
    assertHidden(secrets, identity, 'its identity', 'all went well')
    const explored = await setup.source.explore?.(contextFor(trial, streamsOf(trial)))
    assertHidden(secrets, explored ?? '', 'what it found to explore', 'all went well')
  })

function assertHidden(secrets: ReadonlySet<string>, text: string, where: string, occasion: string): void {
  for (const secret of secrets) {
    if ([secret, encodeURIComponent(secret)].some((form) => text.includes(form))) {
      throw new Error(`when ${occasion}, ${where} held a secret (the value is not shown here)`)
    }
  }
}

/** An option that is sent as a credential but not declared as a secret would be printed by the host. */
function assertDeclared(trial: Trial, credential: string): void {
  const undeclared = secretsOf(trial).includes(credential) ? undefined : pathTo(credential, trial.input)
  if (undeclared !== undefined) throw new Error(`its option ${undeclared} is sent as a credential; name it in secrets`)
}

function pathTo(wanted: string, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    if (member === wanted) return name
    const rest = pathTo(wanted, member)
    if (rest !== undefined) return `${name}.${rest}`
  }
  return undefined
}

function credentialsIn({headers}: ProxiedRequest): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (!CREDENTIAL_HEADER.test(name) || typeof value !== 'string') return []
    const [, scheme, rest] = /^(\w+) (.*)$/.exec(value) ?? []
    if (scheme?.toLowerCase() !== 'basic') return [rest ?? value]
    const decoded = Buffer.from(rest ?? '', 'base64').toString()
    return [rest ?? '', decoded.slice(decoded.indexOf(':') + 1)]
  })
}
