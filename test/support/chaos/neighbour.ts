import {writeSync} from 'node:fs'

import {messageWithCauses, outcomeOf} from '../../../src/base/errors.ts'
import {scriptedRun} from '../scripted-run.ts'
import {scriptedSource} from '../scripted-source.ts'
import type {NeighbourOrder, NeighbourResult} from './neighbours.ts'
import {Random} from '../random.ts'

const order = JSON.parse(process.argv[2] ?? '') as NeighbourOrder
const random = new Random(order.seed)

for (let number = 0; number < order.runs; number += 1) {
  const account = `${order.account}-${number}`
  const records = Array.from({length: order.records}, (_, index) => ({id: `r${index}`, at: index * 3_600_000}))
  const slice = random.pick(['3h', '6h', '1d'])
  const source = scriptedSource(() => records, {defaults: {slice, earliest: '1970-01-01'}})
  let error: unknown
  try {
    const commitAfter = {records: random.integer(1, 10), milliseconds: 1e9}
    const report = await scriptedRun({
      source,
      folder: order.folder,
      account,
      runId: account,
      now: 172_800_000,
      commitAfter,
    })
    error = report.error
  } catch (thrown) {
    error = thrown
  }
  const outcome = error === undefined ? 'done' : outcomeOf(error)
  const result: NeighbourResult = {account, outcome, message: error === undefined ? '' : messageWithCauses(error)}
  writeSync(1, `${JSON.stringify(result)}\n`)
}
