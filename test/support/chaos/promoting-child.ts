import {writeSync} from 'node:fs'

import {duckDBUnderTest} from '../duckdb-under-test.ts'
import {promote} from '../promoting.ts'
import {SCOPE} from '../scripted-run.ts'
import {killItself, type SelfKill} from './self-kill.ts'

export interface PromotionOrder {
  /** It holds the DuckDB file. */
  readonly folder: string
  readonly kill?: SelfKill
}

/** So many of each were there in a promotion that came to its end. */
export type PromotionSaid = Readonly<Record<SelfKill['at'], number>>

if (process.argv[1] === import.meta.filename) {
  const {folder, kill} = JSON.parse(process.argv[2] ?? '') as PromotionOrder
  const {seen} = killItself(kill)
  writeSync(1, 'ready\n')
  await promote(() => duckDBUnderTest(folder).open(), {scopes: [SCOPE]})
  writeSync(1, JSON.stringify(seen))
}
