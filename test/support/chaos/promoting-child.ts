import {writeSync} from 'node:fs'

import {promoteJob} from '../../../src/run/promote-job.ts'
import {duckDBUnderTest} from '../duckdb-under-test.ts'
import {withRunMode} from '../run-mode.ts'
import {PRODUCTION} from '../scripted-run.ts'
import {killItself, type SelfKill} from './self-kill.ts'

export interface PromotionOrder {
  /** It holds the DuckDB file. */
  readonly folder: string
  readonly kill?: SelfKill
}

/** So many of each were there in a promotion that came to its end. */
export type PromotionSaid = Readonly<Record<SelfKill['at'], number>>

export const SCOPE = {
  job: 'job',
  account: 'acct1',
  selection: 'all',
  stream: {sourceSystem: 'scripted--acct1', objectType: 'thing'},
}

if (process.argv[1] === import.meta.filename) {
  const {folder, kill} = JSON.parse(process.argv[2] ?? '') as PromotionOrder
  const {seen} = killItself(kill)
  writeSync(1, 'ready\n')
  await withRunMode('production', async () =>
    promoteJob({
      warehouse: duckDBUnderTest(folder).open(),
      production: PRODUCTION,
      scopes: [SCOPE],
      diffSamples: 0,
      hiddenPaths: [],
      mode: 'production',
      changed: 'refuse',
      maskSecrets: (text) => text,
    }),
  )
  writeSync(1, JSON.stringify(seen))
}
