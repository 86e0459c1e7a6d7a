import {appendFileSync, writeSync} from 'node:fs'
import {join} from 'node:path'

import {messageWithCauses} from '../../../src/base/errors.ts'
import type {JobRun} from '../../../src/run/job-run.ts'
import type {RunMode} from '../../../src/model/run-mode.ts'
import type {Source} from '../../../src/source.ts'
import {scriptedRun} from '../scripted-run.ts'
import {killItself, type SelfKill} from './self-kill.ts'
import {chaosSource, type ChaosOptions, type ChaosSourceSettings} from './source.ts'

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
let phase = ''

function enter(next: string): void {
  if (next === phase) return
  phase = next
  appendFileSync(join(folder, 'phases.log'), `${next}\n`)
}

function phaseOf(sql: string): string {
  if (sql.startsWith('CREATE TEMP')) return 'staging'
  if (sql.startsWith('COMMIT')) return 'committing'
  if (sql.startsWith('CHECKPOINT')) return 'checkpointing'
  return sql.startsWith('BEGIN') ? 'beginning' : /^(INSERT|UPDATE|DELETE)/.test(sql) ? 'writing' : 'asking'
}

const {page} = killItself(kill, {
  statement: (sql) => enter(phaseOf(sql)),
  committed: () => enter('closing'),
  closed: () => enter('between transactions'),
})

const source = chaosSource(order.source, () => {
  enter('extracting')
  page()
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
