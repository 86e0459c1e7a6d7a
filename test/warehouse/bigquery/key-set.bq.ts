import {expect} from 'chai'

import {keySetOf, selectKeySet, type KeySet} from '../../../src/warehouse/bigquery/key-set.ts'
import {query, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'

const START = 'thing:source:'

describe('keys that BigQuery describes', () => {
  let emulator: Emulator
  before(async () => (emulator = await startEmulator()))
  after(async () => emulator.stop())

  const describe = async (rows: string): Promise<KeySet & {readonly rows: number}> => {
    const [row = {}] = await query(emulator.url, selectKeySet(rows, START, {row_count: 'COUNT(*)'}))
    return {...keySetOf(row), rows: Number(row['row_count'] ?? 0)}
  }
  const numbers = (from: number, to: number): string =>
    `SELECT CONCAT('${START}', CAST(n AS STRING)) AS idem_key FROM UNNEST(GENERATE_ARRAY(${from}, ${to})) AS n`

  it('are told one by one where they are few, each once', async () => {
    const {count, ranges, rows} = await describe(
      `${numbers(1, 20)} UNION ALL ${numbers(5, 5)} UNION ALL SELECT CAST(NULL AS STRING) AS idem_key`,
    )
    expect([count, rows, ranges.length]).to.deep.equal([20, 22, 20])
    expect(ranges.slice(0, 3).map(({lowest, highest}) => [lowest, highest])).to.deep.equal(
      ['1', '10', '11'].map((id) => [`${START}${id}`, `${START}${id}`]),
    )
  })

  it('are told by groups that begin alike where they are many, and none is left out', async () => {
    const {count, ranges, rows} = await describe(
      `${numbers(1_000_000, 1_029_999)} UNION ALL ${numbers(8_000_000, 8_000_009)}`,
    )
    expect([count, rows]).to.deep.equal([30_010, 30_010])
    expect(ranges.length).to.be.within(300, 10_000)
    const isIn = (number: number): boolean =>
      ranges.some(({lowest, highest}) => lowest <= `${START}${number}` && `${START}${number}` <= highest)
    for (let number = 1_000_000; number < 1_030_000; number += 777) expect(isIn(number), String(number)).to.equal(true)
    expect([isIn(8_000_003), isIn(5_000_000)]).to.deep.equal([true, false])
  })

  it('of nothing are none', async () => {
    expect(await describe(`${numbers(1, 3)} LIMIT 0`)).to.deep.equal({count: 0, ranges: [], rows: 0})
  })
})
