import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'

import {expect} from 'chai'

import {tryToWrite, type CommitOptions} from '../../../src/warehouse/bigquery/commit.ts'
import {isWithin, keySetOf, keySetOfKeys} from '../../../src/warehouse/bigquery/key-set.ts'

const START = 'contact:dataverse--clinic:'
const idOf = (number: number): string => createHash('sha256').update(String(number)).digest('hex').slice(0, 32)
const guids = (count: number): readonly string[] =>
  Array.from({length: count}, (_, number) => `${START}${idOf(number)}`)

interface Range {
  readonly lowest: string
  readonly highest: string
}

/** What a filter lets through, as BigQuery would read it. */
function rangesIn(filter: string): readonly Range[] {
  const between = [...filter.matchAll(/BETWEEN "([^"]+)" AND "([^"]+)"/g)].map(([, lowest = '', highest = '']) => ({
    lowest,
    highest,
  }))
  const keys = [...(/IN \(([^)]*)\)/.exec(filter)?.[1] ?? '').matchAll(/"([^"]+)"/g)]
  return [...between, ...keys.map(([, key = '']) => ({lowest: key, highest: key}))]
}

/** How many blocks of a table, whose ends are the keys in `blocks`, a filter cannot skip. */
function blocksRead(filter: string, blocks: readonly string[]): number {
  const read = new Set<number>()
  const blockOf = (key: string): number => {
    let [low, high] = [0, blocks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((blocks[middle] ?? '') <= key) low = middle + 1
      else high = middle
    }
    return low
  }
  for (const {lowest, highest} of rangesIn(filter))
    for (let block = blockOf(lowest); block <= blockOf(highest); block += 1) read.add(block)
  return read.size
}

describe('a filter on keys in BigQuery', () => {
  const blocks = Array.from({length: 6499}, (_, number) => `${START}${idOf(1_000_000 + number)}`).toSorted()

  it('reads blocks as a smooth function of the number of keys, random ones as well', () => {
    let before = 0
    for (const count of [1, 100, 499, 500, 501, 1000, 2000, 3999, 4000, 4001, 4100, 5000, 7000, 10_000]) {
      const keys = guids(count)
      const exact = blocksRead(`IN (${keys.map((key) => `"${key}"`).join(', ')})`, blocks)
      const read = blocksRead(isWithin('key', keySetOfKeys(keys)), blocks)
      expect(read, `${count} keys`).to.be.within(exact, Math.min(exact * 1.35, blocks.length + 1))
      expect(read, `${count} keys beside fewer`).to.be.at.least(before * 0.95)
      before = read
    }
  })

  it('leaves the widest gaps between keys that lie in groups out', () => {
    const groups = [100_000, 500_000, 900_000].flatMap((first) =>
      Array.from({length: 3000}, (_, number) => `${START}${first + number}`),
    )
    const ranges = rangesIn(isWithin('key', keySetOfKeys(groups)))
    expect(ranges.some(({lowest, highest}) => lowest.slice(0, -5) !== highest.slice(0, -5))).to.equal(false)
    for (const key of groups) expect(ranges.some(({lowest, highest}) => lowest <= key && key <= highest)).to.equal(true)
  })

  // 100 million rows of 2.1 KB, of which a run changes 1,000. It reads the key columns (63 of 2,100 bytes) of the blocks of its
  // keys twice, their payloads once, and all columns of them once more in the MERGE.
  const billedGb = (blockMb: number, keys: readonly string[]): number => {
    const count = Math.round(210_000 / blockMb)
    const ends = Array.from(
      {length: count},
      (_, number) =>
        `${START}${Math.round(((number + 1) / count) * 2 ** 32)
          .toString(16)
          .padStart(8, '0')}`,
    )
    const read = blocksRead(isWithin('key', keySetOfKeys(keys)), ends.toSorted())
    return (read * blockMb * (2 * 0.03 + 0.97 + 1)) / 1000
  }
  const keysOfOneDay = Array.from({length: 1000}, (_, number) => `${START}7f3a${String(number).padStart(28, '0')}`)

  it('has 1,000 changed of 100 million rows bill by the blocks of their keys: the figures of docs/bigquery-costs.md', async () => {
    const table = await readFile('docs/bigquery-costs.md', 'utf8')
    for (const [blockMb, keys, order] of [
      [32, guids(1000), 'at random'],
      [256, guids(1000), 'at random'],
      [32, keysOfOneDay, 'in order'],
      [256, keysOfOneDay, 'in order'],
    ] as const) {
      const gb = billedGb(blockMb, keys)
      const told = new RegExp(`\\| ${blockMb} MB, keys ${order} \\| (\\S+) GB `).exec(table)?.[1]
      expect(gb, `${blockMb} MB, keys ${order}`).to.be.closeTo(Number(told), Math.max(0.1, gb * 0.03))
    }
  })

  it('lets each key through, whatever its characters are', () => {
    const keys = ['é', 'z', '漢', '😀', '\uFFFE', '"', '\\', "'", 'a b', '0'].map((id) => `${START}${id}`)
    const filter = isWithin('key', keySetOfKeys(keys))
    for (const key of keys) expect(filter).to.include(JSON.stringify(key))
    const row = {
      key_count: '3',
      ranges: `${START}漢\n${START}漢\n${START}😀\n${START}😀\n${START}\uFFFE\n${START}\uFFFE`,
    }
    const {ranges} = keySetOf(row)
    // By bytes; JavaScript would put the second last.
    expect(ranges.map(({lowest}) => lowest.slice(START.length))).to.deep.equal(['漢', '\uFFFE', '😀'])
  })

  it('keeps the transaction of many streams below a megabyte', async () => {
    for (const number of [1, 16]) {
      const streams = Array.from({length: number}, (_, index) => ({
        sourceSystem: 'clinic',
        objectType: `type-${index}`,
      }))
      const keys = keySetOfKeys(guids(5000))
      const classified = streams.map((stream) => ({
        staged: {stream, stagingTables: ['`p.d.lorchestra_staging_0`'], rows: 5000, keys},
        stored: 4999,
        changed: 4999,
        storedRows: {table: '`p.d.lorchestra_staging_stored`', written: keys},
      }))
      const at = new Date(0)
      const terms = {
        rawObjects: '`p.d.raw_objects`',
        streams: number,
        valuesOf: 'run' as const,
        startedAt: at,
        runId: 'run',
        newest: at,
        touchBefore: at,
      }
      let longest = 0
      const options = {
        connection: {tableName: (name: string) => `\`p.d.${name}\``, lasting: () => 0},
        queries: {
          run: (_id: string, {sql}: {readonly sql: string}) => {
            longest = Math.max(longest, sql.length)
            return Promise.resolve()
          },
        },
        tables: {eventLog: 'event_log', rawObjects: 'raw_objects'},
        streams,
        leases: streams.map((_, index) => `lorchestra_lease_${index}`),
        runId: 'run',
      } as unknown as CommitOptions
      expect(await tryToWrite(options, 'commit', terms, classified, {inline: []})).to.equal('written')
      expect(longest).to.be.within(300_000, 1_000_000)
    }
  })

  it('on none lets none through', () => {
    expect(isWithin('key', keySetOf({}))).to.equal('FALSE')
  })

  it('is never made of a row that counts keys and tells none', () => {
    expect(() => keySetOf({key_count: '2', lowest: 'a', highest: 'b'})).to.throw(
      '2 keys were counted, and none was told',
    )
  })
})
