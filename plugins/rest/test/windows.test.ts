import {expect} from 'chai'

import {timeIn} from '../src/times.ts'
import {YieldedKeys} from '../src/yielded-keys.ts'
import {startApi, type ApiAnswer, type ApiRequest, type ApiServer} from './api-server.ts'
import {failureOf, reading} from './reading.ts'

const HOUR = 3_600_000
const FIRST = Date.parse('2026-01-01T00:00:00.500Z')
const ALL = Array.from({length: 10}, (_, index) => ({id: index, at: new Date(FIRST + index * HOUR).toISOString()}))
const window = {since: new Date(FIRST + 3 * HOUR), until: new Date(FIRST + 6 * HOUR)}
const key = (id: number): string => `thing:rest--api:${id}`

describe('windows of the rest source', () => {
  let api: ApiServer
  afterEach(async () => api.close())
  const serve = async (answer: (request: ApiRequest) => ApiAnswer): Promise<void> => {
    api = await startApi(answer)
  }
  const job = (options: object) => ({
    base_url: api.url,
    object: 'thing',
    path: '/things',
    records: 'items',
    key: 'id',
    ...options,
  })

  for (const [format, since, until] of [
    ['iso', '2026-01-01T03:00:00.499Z', '2026-01-01T06:00:00.500Z'],
    ['iso-seconds', '2026-01-01T02:59:59Z', '2026-01-01T06:00:01Z'],
    ['date', '2025-12-30', '2026-01-03'],
    ['unix', '1767236399', '1767247201'],
    ['unix-ms', '1767236400499', '1767247200500'],
  ])
    it(`ask for times as ${format}, a little more at both ends, and take what lies inside`, async () => {
      await serve(() => ({body: {items: ALL}}))
      const options = job({window: {since: 'from', until: 'to', format, field: 'at'}})
      const {keys, listed, outside} = await reading(options, {window})
      expect(Object.fromEntries(api.requests[0]?.query ?? [])).to.deep.equal({from: since, to: until})
      expect(keys).to.deep.equal([3, 4, 5].map(key))
      expect({listed, outside}).to.deep.equal({listed: 10, outside: 7})
    })

  it('leave the beginning out of the first window, and put times where the job wants them', async () => {
    await serve(() => ({body: {items: ALL}}))
    const query = 'updated >= {window.since} and updated < {window.until}'
    const options = job({params: {q: query}, window: {format: 'date'}})
    await reading(options, {window: {until: window.until}})
    await reading(job({window: {since: 'from', field: 'at'}}), {window: {until: window.until}})
    expect(api.requests[0]?.query.get('q')).to.equal('updated >= 1970-01-01 and updated < 2026-01-03')
    expect([...(api.requests[1]?.query.keys() ?? [])]).to.deep.equal([])
  })

  it('need no more of the service than an order, and stop where the rest is of no interest', async () => {
    await serve(({query}) => ({
      body: {
        items: ALL.toReversed()
          .slice(Number(query.get('offset')))
          .slice(0, 3),
      },
    }))
    const options = job({pages: {by: 'offset'}, window: {field: 'at', order: 'descending'}})
    expect((await reading(options, {window})).keys).to.deep.equal([5, 4, 3].map(key))
    expect(api.requests).to.have.length(4)
    const wrong = job({pages: {by: 'offset'}, window: {field: 'at', order: 'ascending'}})
    expect(await failureOf(reading(wrong, {window}))).to.contain('not in ascending order of at')
  })

  it('keep to the order also where the list moves and is read again', async () => {
    let newest = 0
    await serve(({query, index}) => {
      if (index === 1) newest = 1
      const all = [...ALL, {id: 99, at: new Date(FIRST + 99 * HOUR).toISOString()}].slice(0, ALL.length + newest)
      return {
        body: {
          items: all
            .toReversed()
            .slice(Number(query.get('offset')))
            .slice(0, 3),
        },
      }
    })
    const options = job({pages: {by: 'offset'}, window: {field: 'at', order: 'descending'}})
    expect((await reading(options, {window})).keys).to.include.members([5, 4, 3].map(key))
  })

  it('reject a record whose time cannot be read', async () => {
    await serve(() => ({body: {items: [{id: 1, at: null}, {id: 2, at: 'yesterday'}, ALL[4]]}}))
    const {keys, rejected} = await reading(job({window: {since: 'from', field: 'at'}}), {window})
    expect(keys).to.deep.equal([key(4)])
    expect(rejected).to.deep.equal([
      '1: the record has no time that can be read at at',
      '2: the record has no time that can be read at at',
    ])
  })

  it('tell of stored records that are deleted, and store none of them', async () => {
    await serve(() => ({
      body: {items: [{id: 1, gone: '2026-01-01'}, {id: 2, gone: null}, {id: 3, gone: true}, {id: 4}]},
    }))
    const {keys, deleted, listed} = await reading(job({deleted: {when: 'gone'}}), {stored: [key(1)]})
    expect({keys, deleted, listed}).to.deep.equal({keys: [2, 4].map(key), deleted: [key(1)], listed: 2})
    const named = await reading(job({deleted: {when: 'gone', is: [true]}}), {stored: [key(3)]})
    expect(named.deleted).to.deep.equal([key(3)])
  })

  it('tell of a record that is deleted further down the same list, which is not stored yet', async () => {
    await serve(({query}) =>
      query.get('page') === '2'
        ? {
            body: {
              items: [
                {id: 1, gone: true},
                {id: 2, gone: true},
              ],
            },
          }
        : {body: {items: [{id: 1}], next: 2}},
    )
    const options = job({deleted: {when: 'gone'}, pages: {by: 'cursor', path: 'next', param: 'page'}})
    const {keys, deleted} = await reading(options, {stored: []})
    expect({keys, deleted}).to.deep.equal({keys: [key(1)], deleted: [key(1)]})
  })

  it('remember what was yielded up to a bound, and take all for stored beyond it', () => {
    const yielded = new YieldedKeys(2)
    yielded.add(['a', 'b'])
    expect(['a', 'b', 'c'].map((one) => yielded.mayHave(one))).to.deep.equal([true, true, false])
    yielded.add(['c'])
    expect(yielded.mayHave('d')).to.equal(true)
  })

  it('keep the cursor of the service from one run to the next', async () => {
    await serve(({query}) => {
      const since = Number(query.get('since') ?? 0)
      const from = Number(query.get('page') ?? 0) + since
      const items = ALL.slice(from, from + 4)
      const isLast = from + 4 >= ALL.length
      return {body: {items, ...(isLast ? {token: ALL.length} : {next: from + 4 - since})}}
    })
    const options = job({
      pages: {by: 'cursor', path: 'next', param: 'page'},
      changes: {path: 'token', param: 'since'},
    })
    const first = await reading(options)
    expect(first).to.deep.include({bookmarks: [{changes: '10'}], checkpoints: []})
    expect(first.keys).to.have.length(10)
    const second = await reading(options, {bookmark: first.bookmarks[0] ?? null})
    expect(second).to.deep.include({keys: [], bookmarks: [{changes: '10'}]})
    expect(api.requests.at(-1)?.query.get('since')).to.equal('10')
  })

  it('take a record that changes twice in a row from a feed of changes that shows one at a time', async () => {
    await serve(({query}) => {
      const from = Number(query.get('cursor') ?? 0)
      return {body: {items: [{id: 1}], token: String(from + 1), end: from === 2}}
    })
    const {keys} = await reading(
      job({
        pages: {by: 'cursor', path: 'token', param: 'cursor', end: 'end'},
        changes: {path: 'token', param: 'cursor'},
      }),
    )
    expect(keys).to.deep.equal([1, 1, 1].map(key))
  })

  it('go on from a checkpoint', async () => {
    await serve(({query}) => {
      const from = Number(query.get('cursor') ?? 0)
      return {body: {items: ALL.slice(from, from + 4), next: from + 4 < ALL.length ? from + 4 : null}}
    })
    const options = job({pages: {by: 'cursor', path: 'next', param: 'cursor'}})
    const {checkpoints} = await reading(options)
    expect(checkpoints).to.deep.equal([{cursor: '4'}, {cursor: '8'}])
    expect((await reading(options, {bookmark: {cursor: '8'}})).keys).to.deep.equal([8, 9].map(key))
  })
})

describe('times in records', () => {
  for (const [value, time] of [
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.678901+02:00', '2026-01-02T01:04:05.678Z'],
    ['2026-01-02T03:04:05-0130', '2026-01-02T04:34:05.000Z'],
    ['2026-01-02 03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02', '2026-01-02T00:00:00.000Z'],
    [1_767_323_045, '2026-01-02T03:04:05.000Z'],
    ['1767323045.5', '2026-01-02T03:04:05.500Z'],
    [1_767_323_045_678, '2026-01-02T03:04:05.678Z'],
    ['Fri, 02 Jan 2026 03:04:05 GMT', '2026-01-02T03:04:05.000Z'],
    ['Fri Jan 02 03:04:05 +0000 2026', '2026-01-02T03:04:05.000Z'],
  ] as const)
    it(`may be ${value}`, () => expect(new Date(timeIn(value) ?? NaN).toISOString()).to.equal(time))

  for (const value of ['', 'soon', '02.01.2026', 'Fri, 02 Jan 2026 03:04:05', true, null, {}])
    it(`are not ${JSON.stringify(value)}`, () => expect(timeIn(value)).to.equal(undefined))
})
