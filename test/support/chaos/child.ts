import {appendFileSync, writeSync} from 'node:fs'
import {join} from 'node:path'

import {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api'

import {messageWithCauses} from '../../../src/base/errors.ts'
import type {JobRun} from '../../../src/run/job-run.ts'
import type {RunMode} from '../../../src/model/run-mode.ts'
import type {Source} from '../../../src/source.ts'
import {scriptedRun} from '../scripted-run.ts'
import {chaosSource, type ChaosOptions, type ChaosSourceSettings} from './source.ts'

/** Where the process kills itself: at the nth page or SQL statement. */
export interface SelfKill {
  readonly at: 'page' | 'statement' | 'COMMIT' | 'CHECKPOINT' | 'close'
  readonly occurrence: number
  readonly when: 'before' | 'during' | 'after'
  /** Milliseconds into it. */
  readonly during: number
}

export interface ChildOrder {
  readonly folder: string
  readonly mode: RunMode
  readonly source: ChaosSourceSettings
  readonly commitAfter: JobRun['commitAfter']
  readonly runs: readonly {readonly runId: string; readonly now: number; readonly options: ChaosOptions}[]
  readonly kill?: SelfKill
}

const order = JSON.parse(process.argv[2] ?? '') as ChildOrder
const {folder, kill} = order
const seen = {page: 0, statement: 0, COMMIT: 0, CHECKPOINT: 0, close: 0}
let phase = ''

function enter(next: string): void {
  if (next === phase) return
  phase = next
  appendFileSync(join(folder, 'phases.log'), `${next}\n`)
}

const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

/** Returns whether the process is to die while or after this happens. */
function happens(what: SelfKill['at']): SelfKill['when'] | undefined {
  seen[what] += 1
  if (kill?.at !== what || kill.occurrence !== seen[what]) return undefined
  if (kill.when === 'before') die()
  return kill.when
}

function dieAfter(milliseconds: number): void {
  const deadline = performance.now() + milliseconds
  while (performance.now() < deadline);
  die()
}

function phaseOf(sql: string): string {
  if (sql.startsWith('CREATE TEMP')) return 'staging'
  if (sql.startsWith('COMMIT')) return 'committing'
  if (sql.startsWith('CHECKPOINT')) return 'checkpointing'
  return sql.startsWith('BEGIN') ? 'beginning' : /^(INSERT|UPDATE|DELETE)/.test(sql) ? 'writing' : 'asking'
}

for (const method of ['run', 'runAndReadAll'] as const) {
  const original = DuckDBConnection.prototype[method] as (...values: readonly unknown[]) => Promise<unknown>
  const watched = async function (this: DuckDBConnection, ...values: readonly unknown[]): Promise<unknown> {
    const sql = String(values[0]).trim()
    enter(phaseOf(sql))
    const fate = happens('statement') ?? (sql === 'COMMIT' || sql === 'CHECKPOINT' ? happens(sql) : undefined)
    const answer = original.apply(this, values as unknown[])
    if (fate === 'during') dieAfter(kill?.during ?? 0)
    const result = await answer
    if (fate === 'after') die()
    if (sql === 'COMMIT') enter('closing')
    return result
  }
  Object.defineProperty(DuckDBConnection.prototype, method, {value: watched})
}
// oxlint-disable-next-line typescript/unbound-method -- called with its instance below
const close = DuckDBInstance.prototype.closeSync
Object.defineProperty(DuckDBInstance.prototype, 'closeSync', {
  value(this: DuckDBInstance) {
    const fate = happens('close')
    close.call(this)
    if (fate !== undefined) die()
    enter('between transactions')
  },
})

const source = chaosSource(order.source, () => {
  enter('extracting')
  if (happens('page') !== undefined) die()
}) as Source

writeSync(1, 'ready\n')
for (const {runId, now, options} of order.runs) {
  const {error, counts, commits} = await scriptedRun({
    source,
    folder,
    mode: order.mode,
    now,
    runId,
    options,
    commitAfter: order.commitAfter,
    maxRejects: 1_000_000,
  })
  if (error !== undefined) throw new Error(messageWithCauses(error), {cause: error})
  writeSync(1, `${JSON.stringify({counts, commits})}\n`)
}
