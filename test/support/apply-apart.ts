import {fork} from 'node:child_process'
import {once} from 'node:events'

import {messageWithCauses} from '../../src/base/errors.ts'
import {BigQueryWarehouse, type BigQueryOptions} from '../../src/warehouse/bigquery/warehouse.ts'
import type {Warehouse, WarehouseWriter} from '../../src/warehouse/warehouse.ts'
import {duckDBUnderTest} from './duckdb-under-test.ts'
import {apply} from './planned-run.ts'
import type {WarehouseUnderTest} from './warehouse-contract.ts'

/** The process kills itself there. */
export interface KillAt {
  /** Counted from 1, of those that it makes itself. */
  readonly commit: number
  readonly when: 'before' | 'after'
}

interface Order {
  readonly folder: string
  readonly path: string
  readonly kill: KillAt
  readonly connection?: BigQueryOptions
}

/** Applies a plan in a process of its own. */
export async function applyApart(
  under: WarehouseUnderTest & {readonly connection?: BigQueryOptions},
  path: string,
  kill: KillAt,
): Promise<string> {
  const {folder, connection} = under
  const order: Order = {folder, path, kill, ...(connection !== undefined && {connection})}
  const child = fork(import.meta.filename, [JSON.stringify(order)])
  let said = ''
  child.on('message', (message) => {
    said = String(message)
    child.kill()
  })
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return signal === 'SIGKILL' ? 'killed' : said
}

/** A warehouse whose writer calls `hook` before and after each commit. */
function aroundCommits(warehouse: Warehouse, hook: (when: KillAt['when']) => void): Warehouse {
  const begin = async (run: Parameters<Warehouse['begin']>[0]): Promise<WarehouseWriter> => {
    const writer = await warehouse.begin(run)
    return {
      ...writer,
      commit: async (...given) => {
        hook('before')
        const result = await writer.commit(...given)
        hook('after')
        return result
      },
    }
  }
  return new Proxy(warehouse, {
    get: (target, name) => {
      if (name === 'begin') return begin
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

export const afterCommit = (warehouse: Warehouse, call: () => void): Warehouse =>
  aroundCommits(warehouse, (when) => {
    if (when === 'after') call()
  })

function killedIn(warehouse: Warehouse, {commit: last, when: at}: KillAt): Warehouse {
  let commits = 0
  return aroundCommits(warehouse, (when) => {
    if (when === 'before') commits += 1
    if (commits === last && at === when) process.kill(process.pid, 'SIGKILL')
  })
}

if (process.argv[1] === import.meta.filename) {
  const {folder, path, kill, connection} = JSON.parse(process.argv[2] ?? '') as Order
  const {signal} = new AbortController()
  const open = (): Warehouse =>
    connection === undefined ? duckDBUnderTest(folder).open() : new BigQueryWarehouse(connection, signal)
  process.send?.(
    await apply({folder, open}, path, {warehouse: (real) => killedIn(real, kill)}).then(
      () => 'done',
      messageWithCauses,
    ),
  )
}
