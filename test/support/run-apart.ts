import {fork} from 'node:child_process'
import {once} from 'node:events'

import {messageWithCauses, outcomeOf} from '../../src/errors.ts'
import type {Counts} from '../../src/counts.ts'
import type {JsonObject} from '../../src/source.ts'
import type {BigQueryOptions} from '../../src/warehouse/bigquery/warehouse.ts'
import {scriptedRun} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'

/** A run in a process of its own. */
export interface RunApart {
  readonly records: readonly JsonObject[]
  readonly runId: string
  readonly now: number
  readonly account?: string
}

export interface EndedApart {
  readonly outcome: string
  readonly message: string
  readonly counts?: Counts
}

interface Order extends RunApart {
  readonly folder: string
  readonly bigQuery?: Omit<BigQueryOptions, 'openKeyIndex'>
}

/** All begin at the same moment. */
export async function runApart(orders: readonly Order[]): Promise<readonly EndedApart[]> {
  const children = orders.map((order) => {
    const child = fork(import.meta.filename, [JSON.stringify(order)])
    child.once('exit', (code) => {
      if (code !== 0) child.emit('error', new Error(`exit ${code}`))
    })
    return {child, ready: once(child, 'message')}
  })
  await Promise.all(children.map(async ({ready}) => ready))
  const ended = children.map(async ({child}) => {
    const [message] = (await once(child, 'message')) as [EndedApart]
    return message
  })
  for (const {child} of children) child.send('go')
  return Promise.all(ended)
}

async function runAsOrdered({bigQuery, records, ...order}: Order): Promise<EndedApart> {
  const source = scriptedSource(() => [], {
    async *extract() {
      yield await Promise.resolve({records})
    },
  })
  const {BigQueryWarehouse} = await import('../../src/warehouse/bigquery/warehouse.ts')
  const {openKeyIndex} = await import('../../src/warehouse/duckdb/key-index.ts')
  const signal = new AbortController().signal
  try {
    const {error, counts} = await scriptedRun({
      ...order,
      source,
      ...(bigQuery !== undefined && {warehouse: () => new BigQueryWarehouse({...bigQuery, openKeyIndex}, signal)}),
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
  process.send?.(await runAsOrdered(JSON.parse(process.argv[2] ?? '') as Order))
  process.disconnect()
}
