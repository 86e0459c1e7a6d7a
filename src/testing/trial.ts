import {setImmediate as turn} from 'node:timers/promises'

import {valuesAt} from '../config/option-paths.ts'
import {createHttpClient} from '../sources/http/http-client.ts'
import {AccountTraffic} from '../sources/http/account-traffic.ts'
import type {Clock} from '../sources/http/clock.ts'
import {createMask} from '../base/mask.ts'
import type {HttpClient, LogFields, Logger, SecretStore} from '../source.ts'
import type {ConformanceSetup, Volume} from './setup.ts'
import {startFaultProxy, type FaultProxy} from './fault-proxy.ts'

/** Few records for most rules, enough for several pages. */
export const SMALL: Volume = {records: 60, size: 200}
/** More records than a page may hold, and than should be in memory. */
export const LARGE: Volume = {records: 4500, size: 4096}

/** One service, started for one test, and the options to read it with. */
export interface Trial {
  readonly setup: ConformanceSetup
  readonly volume: Volume
  readonly proxy: FaultProxy | undefined
  /** The options that lorchestra.yaml would hold. */
  readonly input: Readonly<Record<string, unknown>>
  /** The options that the source gets. */
  readonly options: unknown
}

export async function withTrial(
  setup: ConformanceSetup,
  volume: Volume,
  use: (trial: Trial) => Promise<void>,
): Promise<void> {
  const service = await setup.service(volume)
  // Much to read is read directly: a proxy in this process would slow it down and use memory.
  const proxy = service.url === undefined || volume !== SMALL ? undefined : await startFaultProxy(service.url)
  try {
    const input = service.options(proxy?.url ?? service.url ?? '')
    const validated = await setup.source.options['~standard'].validate(input)
    if (validated.issues !== undefined) {
      throw new Error(
        `the options of the test service are refused: ${validated.issues.map(({message}) => message).join('; ')}`,
      )
    }
    await use({setup, volume, proxy, input, options: validated.value})
  } finally {
    await proxy?.close()
    await service.close()
  }
}

/** Lists the values of all options that the source declares to be secret. */
export const secretsOf = ({setup, input, options}: Trial): readonly string[] =>
  (setup.source.secrets ?? []).flatMap((path) =>
    [input, options as Readonly<Record<string, unknown>>]
      .flatMap((values) => valuesAt(values, path))
      .filter((value): value is string => typeof value === 'string' && value !== ''),
  )

/** Keeps what is logged as it was logged: the host would mask it. */
export function keepingLog(lines: string[]): Logger {
  const keep = (message: string, fields?: LogFields) => {
    lines.push(fields === undefined ? message : `${message} ${JSON.stringify(fields)}`)
  }
  return {debug: keep, info: keep, warn: keep, error: keep}
}

/** Makes the host's client. Its waits between tries take no time, unless they are what is tested. */
export function httpClientFor(trial: Trial, signal: AbortSignal, log: Logger, waits: 'real' | 'skipped'): HttpClient {
  const mask = createMask()
  for (const secret of secretsOf(trial)) mask.add(secret)
  return createHttpClient({
    signal,
    log,
    mask,
    ...(waits === 'skipped' && {traffic: new AccountTraffic(clockThatSkips())}),
  })
}

function clockThatSkips(): Clock {
  let skipped = 0
  return {
    now: () => Date.now() + skipped,
    async wait(milliseconds, signal) {
      signal.throwIfAborted()
      skipped += milliseconds
      await turn()
    },
  }
}

export function secretsInMemory(): SecretStore {
  const stored = new Map<string, string>()
  return {
    get: (name) => Promise.resolve(stored.get(name)),
    update: async (name, change) => {
      const value = await change(stored.get(name))
      if (value !== undefined) stored.set(name, value)
      return value
    },
  }
}
