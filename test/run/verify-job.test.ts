import {expect} from 'chai'

import {messageOf} from '../support/message-of.ts'
import {silentLog} from '../support/scripted-run.ts'
import {scriptedSource, type ScriptedRecord} from '../support/scripted-source.ts'
import {currentRunMode} from '../../src/model/run-mode.ts'
import {verifyJob, type Verification} from '../../src/run/verify-job.ts'
import {inProcessSource} from '../../src/sources/box/in-process-source.ts'
import type {JsonObject, Page, Source} from '../../src/source.ts'

const NOW = Date.UTC(2026, 0, 31)
const MINUTE = 60_000

interface Given {
  readonly limit?: number
  readonly since?: number
  readonly settle?: number
  readonly maxRejects?: number
}

const verified = async (
  source: Source,
  {limit = 50, since, settle = 0, maxRejects = 0}: Given = {},
): Promise<Verification> =>
  verifyJob({
    source: inProcessSource(source, {
      http: {request: () => Promise.reject(new Error('no network in this test'))},
      resolvePath: (path) => path,
    }),
    options: {},
    job: 'job',
    sourceSystem: 'scripted--acct1',
    runId: 'verify',
    limit,
    ...(since !== undefined && {since}),
    secrets: {get: () => Promise.resolve(undefined), update: async (_name, change) => change(undefined)},
    log: silentLog,
    signal: new AbortController().signal,
    maxRejects,
    now: () => new Date(NOW),
    observe: () => {},
    commitAfter: {records: 50_000},
    start: -Infinity,
    overlap: 0,
    settle,
    earliest: -Infinity,
    slice: undefined,
    sliceIsMaximum: false,
  })

const letters = (count: number): readonly ScriptedRecord[] =>
  Array.from({length: count}, (_, index) => ({id: `r${index}`, at: index, text: `the text of ${index}`}))

/** Yields what `reading` gives for the first, second and third reading, in pages of two. */
function readingsOf(reading: (times: number) => readonly object[], more: {idemKey?: Source['idemKey']} = {}) {
  let times = 0
  return scriptedSource(() => [], {
    ...more,
    async *extract(): AsyncGenerator<Page> {
      times += 1
      const records = reading(times) as readonly JsonObject[]
      for (let index = 0; index < records.length; index += 2)
        yield await Promise.resolve({records: records.slice(index, index + 2)})
    },
  })
}

const key = (id: string): string => `thing:scripted--acct1:${id}`

describe('verify', () => {
  it('finds a source stable that gives the same again, after two readings of one closed window', async () => {
    const source = scriptedSource(() => letters(5))
    const found = await verified(source, {since: 0, settle: MINUTE})
    expect(found).to.deep.include({records: 5, readings: 2, isWhole: true, unstable: [], differing: [], shared: []})
    expect(found.windows).to.deep.equal([{since: 0, until: NOW - MINUTE}])
    expect(source.calls.map(({since, until}) => ({since, until}))).to.deep.equal([
      {since: 0, until: NOW - MINUTE},
      {since: 0, until: NOW - MINUTE},
    ])
  })

  it('can write nothing, because it sets no run mode', async () => {
    await verified(scriptedSource(() => letters(2)))
    expect(currentRunMode()).to.equal('unset')
  })

  it('says that it read the first records alone, and asks for no more than it needs', async () => {
    let yielded = 0
    const source = scriptedSource(() => [], {
      async *extract(): AsyncGenerator<Page> {
        for (const record of letters(1000)) {
          yielded += 1
          yield await Promise.resolve({records: [record as JsonObject]})
        }
      },
    })
    expect(await verified(source, {limit: 10})).to.deep.include({records: 10, readings: 2, isWhole: false})
    expect(yielded).to.be.within(20, 24)
  })

  it('minds neither the order of pages and members nor how numbers are spelled', async () => {
    const plain = letters(60).map(({id, at}) => ({id, at, more: {one: 1, two: [1, 2]}}))
    const turned = plain.map(({id, at, more}) => ({more: {two: more.two, one: more.one}, at, id})).toReversed()
    const source = readingsOf((times) => (times === 1 ? plain : turned))
    for (const limit of [10, 100]) {
      const found = await verified(source, {limit})
      expect(found).to.deep.include({records: Math.min(limit, 60), differing: [], unstable: [], unstableRecords: 0})
    }
  })

  it('names a counter, and in how many rows another run would find another value', async () => {
    let counter = 0
    const source = readingsOf(() =>
      letters(4).map((record, index) => ({...record, 'a/b': index === 0 ? 'calm' : {'n~': (counter += 1)}})),
    )
    const found = await verified(source)
    expect(found).to.deep.include({records: 4, readings: 3, unstableRecords: 3, differing: []})
    expect(found.unstable).to.deep.equal([{path: '/a~1b/n~0', records: 3}])
    expect(found.meanwhile.changed).to.deep.equal([])
  })

  it('knows a field that is the same twice by chance in one record for unstable by the others', async () => {
    const values = [[], [1, 1], [2, 2], [2, 3]]
    const source = readingsOf((times) => letters(2).map((record, index) => ({...record, n: values[times]?.[index]})))
    const found = await verified(source)
    expect(found.unstable).to.deep.equal([{path: '/n', records: 2}])
    expect(found.meanwhile.changed).to.deep.equal([])
  })

  it('tells an edit in between from that', async () => {
    const source = readingsOf((times) =>
      letters(3).map((record, index) => (index === 1 && times > 1 ? {...record, text: 'edited'} : record)),
    )
    const found = await verified(source)
    expect(found).to.deep.include({readings: 3, unstable: [], unstableRecords: 0, differing: []})
    expect(found.meanwhile.changed).to.deep.equal([{idemKey: key('r1'), paths: ['/text']}])
  })

  it('tells a deletion and an addition in between from other keys, where the third reading agrees', async () => {
    const source = readingsOf((times) => (times === 1 ? letters(3) : [...letters(3).slice(1), {id: 'new', at: 9}]))
    const whole = await verified(source)
    expect(whole.differing).to.deep.equal([])
    expect(whole.meanwhile).to.deep.include({gone: [key('r0')], added: [key('new')]})
    const long = readingsOf((times) => letters(500).slice(times === 1 ? 0 : 1))
    const limited = await verified(long, {limit: 10})
    expect(limited.differing).to.deep.equal([])
    expect(limited.meanwhile).to.deep.include({gone: [key('r0')], added: []})
  })

  it('finds keys that are others each time, and says of which records', async () => {
    let made = 0
    const idemKey: Source['idemKey'] = (_record, stream) => `thing:${stream.sourceSystem}:${(made += 1)}`
    for (const limit of [3, 50]) {
      made = 0
      const found = await verified(
        readingsOf(() => letters(5), {idemKey}),
        {limit},
      )
      expect(found.differing).to.include.members([key('1'), key('2'), key('3')])
      expect(found.renamed[0]).to.deep.equal({from: key('1'), to: key(limit === 3 ? '4' : '6')})
      expect(found.meanwhile).to.deep.include({gone: [], added: []})
    }
  })

  it('finds keys that come and go', async () => {
    const found = await verified(readingsOf((times) => letters(times === 2 ? 2 : 3)))
    expect(found.differing).to.deep.equal([key('r2')])
  })

  it('finds two records with one key, and passes over one that a page showed twice', async () => {
    const one = {id: 'a', at: 1, text: 'one'}
    const twins = await verified(readingsOf(() => [one, {...one, text: 'two'}, {id: 'b', at: 2}]))
    expect(twins).to.deep.include({records: 2, shared: [key('a')], unstable: [], differing: []})
    const shifted = await verified(readingsOf(() => [one, one, {id: 'b', at: 2}]))
    expect(shifted).to.deep.include({records: 2, shared: [], duplicates: 1, readings: 2})
    const edited = await verified(readingsOf((times) => [one, ...(times === 1 ? [{...one, text: 'edited'}] : [])]))
    expect(edited).to.deep.include({shared: [], differing: []})
  })

  it('counts what cannot be stored', async () => {
    const idemKey: Source['idemKey'] = ({id}, stream) =>
      id === 'bad' ? '' : `thing:${stream.sourceSystem}:${String(id)}`
    const source = readingsOf(() => [{id: 'bad', at: 1}, ...letters(3)], {idemKey})
    expect(await verified(source, {maxRejects: 5})).to.deep.include({records: 3, rejected: 1, isWhole: true})
    expect(await messageOf(verified(source))).to.include('more than 0 records were rejected')
  })

  it('fails where a reading fails, and says nothing of the source', async () => {
    const source = readingsOf((times) => {
      if (times === 2) throw new Error('the service is tired')
      return letters(2)
    })
    expect(await messageOf(verified(source))).to.include('the service is tired')
  })
})
