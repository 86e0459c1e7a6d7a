import {fork, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'

import {messageWithCauses, outcomeOf} from '../../src/base/errors.ts'
import type {Counts} from '../../src/model/counts.ts'
import type {JobRun} from '../../src/run/job-run.ts'
import type {RunMode} from '../../src/model/run-mode.ts'
import type {JsonObject, Source} from '../../src/source.ts'
import type {BigQueryOptions} from '../../src/warehouse/bigquery/warehouse.ts'
import type {WindowRequest} from '../../src/run/window-request.ts'
import {Ledger, LEDGER_PAGE, ledgerSource} from './ledger-source.ts'
import {scriptedRun} from './scripted-run.ts'
import {scriptedSource, type ScriptedRecord} from './scripted-source.ts'

/** A run in a process of its own. */
export interface RunApart {
  readonly records: readonly JsonObject[]
  readonly runId: string
  readonly now: number
  readonly account?: string
  readonly mode?: RunMode
  /** The records have times (`at`), and are read in slices of this length, from 1970 on. */
  readonly slice?: string
  readonly commitAfter?: JobRun['commitAfter']
  readonly request?: Partial<WindowRequest>
  /** Instead of `records`: a ledger of so many, each page of which is a checkpoint; the process kills itself at one of them. */
  readonly ledger?: {readonly size: number; readonly killAfter: number}
}

export interface EndedApart {
  readonly outcome: string
  readonly message: string
  readonly counts?: Counts
}

export interface OrderApart extends RunApart {
  readonly folder: string
  readonly bigQuery?: BigQueryOptions
}

export interface ProcessApart {
  readonly child: ChildProcess
  /** Resolves when it waits to be told to go. */
  readonly ready: Promise<unknown>
  go(): void
  /** `undefined` where it was killed. */
  readonly ended: Promise<EndedApart | undefined>
}

/** All begin at the same moment. */
export async function runApart(orders: readonly OrderApart[]): Promise<readonly EndedApart[]> {
  const processes = orders.map(startApart)
  await Promise.all(processes.map(async ({ready}) => ready))
  for (const {go} of processes) go()
  const ended = await Promise.all(processes.map(async (process) => process.ended))
  return ended.map((one) => one ?? {outcome: 'killed', message: ''})
}

export function startApart(order: OrderApart): ProcessApart {
  const child = fork(import.meta.filename, [JSON.stringify(order)])
  const ready = Promise.withResolvers<void>()
  let said: EndedApart | undefined
  child.on('message', (message: 'ready' | EndedApart) => {
    if (message === 'ready') {
      ready.resolve()
      return
    }
    said = message
    // A request that was never answered and let go of would keep the process.
    child.kill()
  })
  const ended = once(child, 'exit').then(([code, signal]) => {
    ready.resolve()
    if (signal === 'SIGKILL') return undefined
    if (said === undefined) throw new Error(`the process ended with ${String(code)} and without a word`)
    return said
  })
  return {child, ready: ready.promise, go: () => child.send('go'), ended}
}

function ledgerThatKills({size, killAfter}: NonNullable<RunApart['ledger']>): Source {
  const ledger = new Ledger(size)
  let pages = 0
  ledger.onPage = () => {
    if ((pages += 1) > killAfter / LEDGER_PAGE) process.kill(process.pid, 'SIGKILL')
  }
  return ledgerSource(ledger)
}

function sourceOf({records, slice, ledger}: Pick<OrderApart, 'records' | 'slice' | 'ledger'>): Source {
  if (ledger !== undefined) return ledgerThatKills(ledger)
  return slice === undefined
    ? scriptedSource(() => [], {
        async *extract() {
          yield await Promise.resolve({records})
        },
      })
    : scriptedSource(() => records as readonly ScriptedRecord[], {
        defaults: {slice, earliest: new Date(0).toISOString()},
      })
}

async function runAsOrdered({bigQuery, records, slice, ledger, ...order}: OrderApart): Promise<EndedApart> {
  const source = sourceOf({records, ...(slice !== undefined && {slice}), ...(ledger !== undefined && {ledger})})
  const {BigQueryWarehouse} = await import('../../src/warehouse/bigquery/warehouse.ts')
  const signal = new AbortController().signal
  try {
    const {error, counts} = await scriptedRun({
      ...order,
      source,
      ...(bigQuery !== undefined && {warehouse: () => new BigQueryWarehouse(bigQuery, signal)}),
    })
    if (error === undefined) return {outcome: 'done', message: '', counts}
    return {outcome: outcomeOf(error), message: messageWithCauses(error)}
  } catch (error) {
    return {outcome: outcomeOf(error), message: messageWithCauses(error)}
  }
}

if (process.argv[1] === import.meta.filename) {
  process.send?.('ready')
  await once(process, 'message')
  process.send?.(await runAsOrdered(JSON.parse(process.argv[2] ?? '') as OrderApart))
}
