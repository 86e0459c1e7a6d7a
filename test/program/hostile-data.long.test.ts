import {expect} from 'chai'

import {parseExactly} from '../../src/base/exact-json.ts'
import type {Source} from '../../src/source.ts'
import {query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

const sourceOf = (extract: NonNullable<Parameters<typeof scriptedSource>[1]>['extract']): Source =>
  scriptedSource(() => [], extract === undefined ? {} : {extract})

const twoRecords = sourceOf(async function* () {
  yield await Promise.resolve({records: [{id: 'a 500000'}, {id: 'other'}]})
})

describe('hostile payloads in DuckDB', () => {
  it('of 20 and 90 MB are stored whole beside small ones, and known again', async () => {
    const text = '<p>é\u2028"\\</p>'
    const bytes = Buffer.byteLength(JSON.stringify(text)) - 2
    const source = sourceOf(async function* () {
      for (const megabytes of [20, 90, 20]) {
        const body = text.repeat(Math.ceil((megabytes * 1e6) / bytes))
        yield await Promise.resolve({records: [{id: `large-${megabytes}`, body}, {id: 'small'}]})
      }
    })
    const first = await scriptedRun({source, folder: folder(), now: DAY})
    expect([first.error, first.counts.inserted, first.counts.duplicates]).to.deep.equal([undefined, 3, 3])
    const rows = await query(
      databaseIn(folder()),
      `SELECT external_id, strlen(payload)::DOUBLE AS bytes, md5(payload->>'body') AS digest FROM raw_objects ORDER BY 1`,
    )
    expect(rows.map((row) => [row['external_id'], Math.round(Number(row['bytes']) / 1e6)])).to.deep.equal([
      ['large-20', 20],
      ['large-90', 90],
      ['small', 0],
    ])
    const full = {source, folder: folder(), now: 2 * DAY, request: {full: true}}
    const {error, diff} = await scriptedRun({...full, mode: 'dry-run', diffSamples: 3})
    expect([error, diff?.counts.unchanged]).to.deep.equal([undefined, 3])
    const again = await scriptedRun(full)
    expect(again.counts).to.include({inserted: 0, updated: 0, unchanged: 3})
  })

  it('with long numbers, and texts that only look so, fit into one commit by thousands, all their digits kept', async () => {
    const idOf = (index: number): string => `99${String(index).padStart(18, '0')}`
    const source = sourceOf(async function* () {
      for (let page = 0; page < 2; page += 1) {
        const records = Array.from({length: 10_000}, (_, index) => {
          const id = idOf(page * 10_000 + index)
          return {id, order: `order:${id}`, number: parseExactly(id), share: parseExactly('0.12345678901234567')}
        })
        yield await Promise.resolve({records})
      }
    })
    const {counts, error} = await scriptedRun({source, folder: folder(), now: DAY})
    expect(error).to.equal(undefined)
    expect(counts).to.include({inserted: 20_000, rejected: 0})
    const [row] = await query(
      databaseIn(folder()),
      `SELECT payload FROM raw_objects WHERE external_id = '${idOf(12_345)}'`,
    )
    const id = idOf(12_345)
    expect(row?.['payload']).to.equal(`{"id":"${id}","order":"order:${id}","number":${id},"share":0.12345678901234567}`)
  })
})

describe('a source that goes on and on', () => {
  it('with one key a million times leaves one row, the last', async () => {
    const source = sourceOf(async function* () {
      for (let page = 0; page < 100; page += 1) {
        const same = Array.from({length: 10_000}, (_, index) => ({id: 'same', number: page * 10_000 + index}))
        yield await Promise.resolve({records: same})
      }
    })
    const {counts} = await scriptedRun({source, folder: folder(), now: DAY})
    expect(counts).to.include({extracted: 1_000_000, inserted: 1, duplicates: 999_999})
    expect(await query(databaseIn(folder()), 'SELECT external_id, payload FROM raw_objects')).to.deep.equal([
      {external_id: 'same', payload: '{"id":"same","number":999999}'},
    ])
  })

  it('with 300,000 records in one commit is compared with what is stored', async () => {
    const text = 'x'.repeat(900)
    const source = sourceOf(async function* () {
      for (let page = 0; page < 30; page += 1) {
        const records = Array.from({length: 10_000}, (_, index) => ({id: String(page * 10_000 + index), text}))
        yield await Promise.resolve({records})
      }
    })
    await scriptedRun({source: twoRecords, folder: folder(), now: DAY})
    const {error, diff} = await scriptedRun({
      source,
      folder: folder(),
      now: 2 * DAY,
      mode: 'dry-run',
      diffSamples: 1,
      commitAfter: {records: 1_000_000, milliseconds: 3_600_000},
    })
    expect([error, diff?.counts.insert]).to.deep.equal([undefined, 300_000])
  })

  it('with a million keys at once is told which are known', async () => {
    await scriptedRun({source: twoRecords, folder: folder(), now: DAY})
    let known: ReadonlySet<string> = new Set()
    const asking = sourceOf(async function* ({known: ask}) {
      known = await ask(Array.from({length: 1_000_000}, (_, index) => `thing:scripted--acct1:a ${index}`))
      yield {records: []}
    })
    const {error, counts} = await scriptedRun({source: asking, folder: folder(), now: 2 * DAY})
    expect([error, counts.known]).to.deep.equal([undefined, 1])
    expect([...known]).to.deep.equal(['thing:scripted--acct1:a 500000'])
  })
})
