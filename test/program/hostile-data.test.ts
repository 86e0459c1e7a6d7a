import {expect} from 'chai'
import fc from 'fast-check'
import sinon from 'sinon'

import {messageWithCauses} from '../../src/base/errors.ts'
import {parseExactly} from '../../src/base/exact-json.ts'
import type {JsonObject, Source} from '../../src/source.ts'
import {query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {STORED_WHOLE, STORED_WITH_ALL_DIGITS} from '../support/hostile-corpus.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

const payloads = async (): Promise<ReadonlyMap<string, string>> => {
  const rows = await query(databaseIn(folder()), 'SELECT external_id, payload FROM raw_objects')
  return new Map(rows.map((row) => [String(row['external_id']), String(row['payload'])]))
}

/** Equal as JSON values, digits included. */
const normal = (text: string): string => JSON.stringify(parseExactly(text))
const withId = (id: string, text: string): string => `{"id":${JSON.stringify(id)},"value":${text}}`

const sourceOf = (extract: NonNullable<Parameters<typeof scriptedSource>[1]>['extract']): Source =>
  scriptedSource(() => [], extract === undefined ? {} : {extract})

const pageOf = (records: readonly JsonObject[]): Source =>
  sourceOf(async function* () {
    yield await Promise.resolve({records})
  })

describe('hostile payloads in DuckDB', () => {
  it('keep all their digits and levels', async () => {
    const texts = Object.entries({...STORED_WHOLE, ...STORED_WITH_ALL_DIGITS})
    const source = pageOf(texts.map(([id, text]) => ({id, value: parseExactly(text)})))
    const first = await scriptedRun({source, folder: folder(), now: DAY})
    expect(first.counts).to.include({inserted: texts.length, rejected: 0})
    const stored = await payloads()
    for (const [id, text] of texts) expect(normal(stored.get(id) ?? ''), id).to.equal(normal(withId(id, text)))
    const again = await scriptedRun({source, folder: folder(), now: 2 * DAY, request: {full: true}})
    expect(again.counts).to.include({unchanged: texts.length, updated: 0})
  })

  it('keep every digit of every number', async () => {
    const digits = fc.stringMatching(/^[1-9][0-9]{0,24}$/)
    const numbers = fc.sample(
      fc
        .tuple(fc.constantFrom('', '-', '0.', '-0.000'), digits, fc.constantFrom('', '.5', '.25e10', 'e-30', 'e300'))
        .map(([before, middle, after]) => (before.includes('.') ? before + middle : before + middle + after)),
      {numRuns: 600, seed: 11},
    )
    const records = numbers.map((written, index) => ({id: `n-${index}`, value: parseExactly(`[${written}]`)}))
    const {counts} = await scriptedRun({source: pageOf(records), folder: folder(), now: DAY})
    expect(counts).to.include({inserted: numbers.length, rejected: 0})
    const stored = await payloads()
    for (const [index, written] of numbers.entries()) {
      expect(normal(stored.get(`n-${index}`) ?? '')).to.equal(normal(withId(`n-${index}`, `[${written}]`)))
    }
  })

  it('of any kind come back equal', async () => {
    const values = fc.sample(fc.jsonValue({maxDepth: 4}), {numRuns: 400, seed: 7})
    const sampled = values.map((value, index) => ({id: `sample-${index}`, value})) as readonly JsonObject[]
    const {counts} = await scriptedRun({source: pageOf(sampled), folder: folder(), now: DAY})
    expect(counts.inserted + counts.rejected).to.equal(400)
    const stored = await payloads()
    for (const [id, text] of stored) {
      const {value} = sampled.find((record) => record['id'] === id) ?? {}
      expect(JSON.parse(text), id).to.deep.equal(JSON.parse(JSON.stringify({id, value})))
    }
  })
})

describe('a source that goes on and on', () => {
  it('with empty pages alone is done, and covers what it read', async () => {
    const source = sourceOf(async function* () {
      for (let page = 0; page < 10_000; page += 1) yield await Promise.resolve({records: []})
    })
    const {error, counts, cursor} = await scriptedRun({source, folder: folder(), now: DAY})
    expect([error, counts.listed, cursor?.after]).to.deep.equal([undefined, 0, DAY])
  })

  it('in its pages for ever is stopped by a signal, and leaves nothing of the slice', async () => {
    const stop = new AbortController()
    let pages = 0
    const source = sourceOf(async function* () {
      for (;;) {
        pages += 1
        if (pages === 50) stop.abort(new Error('enough'))
        yield await Promise.resolve({records: [{id: `page-${pages}`}]})
      }
    })
    const {error} = await scriptedRun({source, folder: folder(), now: DAY, signal: stop.signal})
    expect(messageWithCauses(error)).to.equal('enough')
    expect(await payloads()).to.deep.equal(new Map())
  })

  for (const [what, close] of [
    ['and never closes', () => new Promise(() => {})],
    ['and refuses to be closed', () => Promise.reject(new Error('not now'))],
    ['and cannot be closed', undefined],
  ] as const) {
    it(`without yielding anything, ${what}, is left behind when the run is stopped`, async () => {
      const stop = new AbortController()
      const next = (): Promise<never> => {
        setImmediate(() => stop.abort(new Error('enough')))
        return new Promise(() => {})
      }
      const iterator = {next, ...(close !== undefined && {return: close})}
      const source = sourceOf(() => ({[Symbol.asyncIterator]: () => iterator}) as never)
      const {error} = await scriptedRun({source, folder: folder(), now: DAY, signal: stop.signal})
      expect(messageWithCauses(error)).to.equal('enough')
    })
  }

  it('after it was told that no more is needed fails the run instead of holding it up', async () => {
    const clock = sinon.useFakeTimers({toFake: ['setTimeout', 'clearTimeout']})
    try {
      let closing = (): void => {}
      const closed = new Promise<void>((resolve) => (closing = resolve))
      const source = sourceOf(async function* () {
        try {
          yield await Promise.resolve({records: [{id: 'a'}, {id: 'b'}]})
        } finally {
          closing()
          await new Promise(() => {})
        }
      })
      const run = scriptedRun({source, folder: folder(), now: DAY, request: {limit: 1}})
      await closed
      await clock.tickAsync(10_000)
      expect(messageWithCauses((await run).error)).to.equal('the source did not end within 10 s of being told to')
    } finally {
      clock.restore()
    }
  })
})
