import {expect} from 'chai'

import {messageWithCauses, outcomeOf} from '../../src/base/errors.ts'
import {parseExactly} from '../../src/base/exact-json.ts'
import type {Page, Source} from '../../src/source.ts'
import {BROKEN, CONVERTED, DISTINCT_IDS, REJECTED, STORED_WHOLE, type Extract} from './hostile-corpus.ts'
import {scriptedSource} from './scripted-source.ts'
import {DAY, type WarehouseUnderTest} from './warehouse-contract.ts'

const KEY = 'thing:scripted--acct1:'
const full = {full: true}

const sourceOf = (extract: Extract): Source =>
  scriptedSource(() => [], {
    extract: extract as Source['extract'],
    idemKey(record, {objectType, sourceSystem}) {
      if (record['id'] === undefined && !(record instanceof Map)) throw new Error('it has no id')
      return `${objectType}:${sourceSystem}:${String(record['id'])}`
    },
  })

const pageOf = (records: readonly unknown[]): Extract =>
  async function* () {
    yield await Promise.resolve({records} as Page)
  }

/** Each ends as the contract says: stored whole, a counted reject, or a failed run with a clear error. */
export function describeHostileData(warehouse: () => WarehouseUnderTest): void {
  it('stores hostile payloads whole, beside each other, and knows them when they come again', async () => {
    const records = Object.entries(STORED_WHOLE).map(([id, text]) => ({id, value: parseExactly(text)}))
    const first = await warehouse().run({source: sourceOf(pageOf(records)), now: DAY})
    expect([first.error, first.counts.inserted, first.counts.rejected]).to.deep.equal([undefined, records.length, 0])
    const stored = new Map((await warehouse().stored()).map(({key, payload}) => [key.slice(KEY.length), payload]))
    // Through text, because JSON.stringify writes -0 as 0; no warehouse owes the order of members.
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
    for (const [id, text] of Object.entries(STORED_WHOLE)) {
      expect(plain(stored.get(id)), id).to.deep.equal(plain({id, value: JSON.parse(text) as unknown}))
    }
    const again = await warehouse().run({source: sourceOf(pageOf(records)), now: 2 * DAY, request: full})
    expect(again.error).to.equal(undefined)
    expect(again.counts).to.include({unchanged: records.length, updated: 0, inserted: 0})
  })

  it('takes what becomes JSON without a loss', async () => {
    const records = Object.values(CONVERTED).map(({record}) => record())
    const {error, counts} = await warehouse().run({source: sourceOf(pageOf(records)), now: DAY})
    expect([error, counts.inserted, counts.rejected]).to.deep.equal([undefined, records.length, 0])
    const stored = (await warehouse().stored()).map(({payload}) => payload)
    expect(stored).to.deep.equal(Object.values(CONVERTED).map((converted) => converted.stored))
  })

  it('keeps keys apart that look alike', async () => {
    const source = sourceOf(pageOf(DISTINCT_IDS.map((id) => ({id}))))
    const {error, counts} = await warehouse().run({source, now: DAY})
    expect([error, counts.inserted, counts.duplicates]).to.deep.equal([undefined, DISTINCT_IDS.length, 0])
    const rows = await warehouse().stored()
    expect(rows.map(({key}) => key)).to.have.members(DISTINCT_IDS.map((id) => `${KEY}${id}`))
    for (const {key, payload} of rows) expect(payload).to.deep.equal({id: key.slice(KEY.length)})
    const again = await warehouse().run({source, now: 2 * DAY, request: full})
    expect(again.counts).to.include({unchanged: DISTINCT_IDS.length, inserted: 0, updated: 0})
  })

  it('rejects what cannot be stored, says why, and stores what is beside it', async () => {
    const cases = Object.values(REJECTED)
    const read = (): Source => sourceOf(pageOf([{id: 'before'}, ...cases.map(({record}) => record()), {id: 'after'}]))
    const {error, counts, runId} = await warehouse().run({source: read(), now: DAY})
    expect(error).to.equal(undefined)
    expect(counts).to.include({listed: cases.length + 2, inserted: 2, rejected: cases.length})
    expect((await warehouse().stored()).map(({key}) => key)).to.deep.equal([`${KEY}after`, `${KEY}before`])
    const reasons = (await warehouse().logged())
      .filter((event) => event.type === 'record.rejected' && event.runId === runId)
      .map((event) => event.error ?? '')
    expect(reasons).to.have.length(cases.length)
    for (const [name, {reason}] of Object.entries(REJECTED)) {
      expect(
        reasons.some((told) => reason.test(told)),
        `${name}: ${reasons.join(' | ')}`,
      ).to.equal(true)
    }
    const again = await warehouse().run({source: read(), now: 2 * DAY, request: full})
    expect([again.counts.rejected, again.firstRejects]).to.deep.equal([cases.length, 0])
  })

  it('stores a rejected record when it comes back good, and counts it', async () => {
    const bad = await warehouse().run({source: sourceOf(pageOf([{id: 'a', text: '\uD800'}, {id: 'b'}])), now: DAY})
    expect([bad.counts.inserted, bad.counts.rejected, bad.firstRejects]).to.deep.equal([1, 1, 1])
    const source = sourceOf(pageOf([{id: 'a', text: 'good'}, {id: 'b'}]))
    const good = await warehouse().run({source, now: 2 * DAY, request: full})
    expect(good.counts).to.include({inserted: 1, unchanged: 1, rejected: 0})
    expect((await warehouse().stored()).map(({payload}) => payload)).to.deep.equal([{id: 'a', text: 'good'}, {id: 'b'}])
  })

  for (const [what, {extract, says}] of Object.entries(BROKEN)) {
    it(`ends a run with a clear error when its source ${what}, and keeps nothing of it`, async () => {
      const {error, counts, runId} = await warehouse().run({source: sourceOf(extract), now: DAY})
      expect(outcomeOf(error)).to.equal('failed')
      expect(error).to.be.instanceOf(Error)
      expect(messageWithCauses(error)).to.match(says)
      expect([counts.inserted, counts.extracted]).to.deep.equal([0, 0])
      expect(await warehouse().stored()).to.deep.equal([])
      const failed = (await warehouse().logged()).filter((event) => event.type === 'job.failed')
      expect(failed.map((event) => [event.runId, says.test(event.error ?? '')])).to.deep.equal([[runId, true]])
    })
  }
}
