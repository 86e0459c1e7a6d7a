import {expect} from 'chai'

import {timeIn} from '../src/times.ts'
import {startApi, type ApiAnswer, type ApiRequest, type ApiServer} from './api-server.ts'
import {failureOf, reading} from './reading.ts'

/** What other tools' readers of APIs lost, repeated or broke over, by their public reports. */
describe('APIs that other readers got wrong', () => {
  let api: ApiServer
  afterEach(async () => api.close())
  const serve = async (answer: (request: ApiRequest, url: string) => ApiAnswer): Promise<void> => {
    api = await startApi(answer)
  }
  const job = (options: object = {}) => ({
    base_url: `${api.url}/v1`,
    object: 'thing',
    path: '/things',
    records: 'items',
    key: 'id',
    ...options,
  })
  const cursor = {by: 'cursor', path: 'next', param: 'cursor'}
  const keys = (...ids: (number | string)[]): readonly string[] => ids.map((id) => `thing:rest--api:${id}`)

  // https://github.com/dlt-hub/dlt/issues/2932
  it('have null for an empty list, on the last page or on the only one', async () => {
    await serve(({query}) => ({
      body: query.has('cursor') ? {items: null, next: null} : {items: [{id: 1}, {id: 2}], next: 'a'},
    }))
    expect((await reading(job({pages: cursor}))).keys).to.deep.equal(keys(1, 2))
    expect((await reading(job({pages: cursor, params: {cursor: 'x'}}))).keys).to.deep.equal([])
    await api.close()
    await serve(() => ({body: {data: {items: null}}}))
    expect((await reading(job({records: 'data.items'}))).keys).to.deep.equal([])
    expect(await failureOf(reading(job({records: 'data.things'})))).to.contain('no list at data.things')
  })

  // https://github.com/dlt-hub/dlt/issues/1514
  it('repeat the parameters of the request in the address of the next page, which are sent once', async () => {
    await serve(({query}) => ({
      body: {
        items: [{id: query.get('page') ?? '1'}],
        next: query.has('page') ? null : '/v1/things?page=2&state=all&api_key=masked',
      },
    }))
    const auth = {type: 'api_key', in: 'query', name: 'api_key', key: 'a-key'}
    const {keys: found} = await reading(job({auth, params: {state: 'all'}, pages: {by: 'next', path: 'next'}}))
    expect(found).to.deep.equal(keys(1, 2))
    expect(api.requests[1]?.query.getAll('state')).to.deep.equal(['all'])
    expect(api.requests[1]?.query.getAll('api_key')).to.deep.equal(['a-key'])
  })

  // https://github.com/dlt-hub/dlt/pull/1163
  for (const next of ['?page=2', 'things?page=2', '/v1/things?page=2', './things?page=2'])
    it(`name the next page as ${next}`, async () => {
      await serve(({query}) => ({
        body: {items: [{id: query.get('page') ?? '1'}], next: query.has('page') ? '' : next},
      }))
      expect((await reading(job({pages: {by: 'next', path: 'next'}}))).keys).to.deep.equal(keys(1, 2))
      expect(api.requests[1]?.path).to.equal('/v1/things')
    })

  // https://github.com/umdio/umdio/issues/22, https://github.com/qvantel/jsonapi-client/pull/30
  it('name a next page behind the last one for ever', async () => {
    await serve(({query}, url) => {
      const page = Number(query.get('page') ?? 1)
      const link = `<${url}/v1/things?page=${page + 1}>; rel=next`
      return {body: {items: page === 1 ? [{id: 1}] : []}, headers: {link}}
    })
    const problem = await failureOf(reading(job({pages: {by: 'link'}})))
    expect(problem).to.contain('in a row hold no record').and.to.contain('names a next one')
    expect(api.requests.length).to.be.lessThan(1100)
  })

  it('have empty pages in the middle, where a filter leaves nothing', async () => {
    await serve(({query}) => {
      const page = Number(query.get('cursor') ?? 0)
      return {body: {items: page % 10 === 9 ? [{id: page}] : [], next: page < 50 ? page + 1 : null}}
    })
    expect((await reading(job({pages: cursor}))).keys).to.deep.equal(keys(9, 19, 29, 39, 49))
  })

  // As Twitter's lists and Redis' SCAN end.
  for (const zero of [0, '0'])
    it(`end with the cursor ${JSON.stringify(zero)}`, async () => {
      await serve(({query}) => ({
        body: {items: [{id: query.get('cursor') ?? '1'}], next: query.has('cursor') ? zero : 7},
      }))
      expect((await reading(job({pages: cursor}))).keys).to.deep.equal(keys(1, 7))
    })

  it('have cursors that are no part of an address, and ids of more digits than a double', async () => {
    const strange = 'a+b/c==&d=ü 100%'
    await serve(({query}) => {
      if (query.get('cursor') === strange) return {body: '{"items":[{"id":9007199254740993}],"next":9007199254740995}'}
      if (query.get('cursor') === '9007199254740995') return {body: {items: [{id: 2}], next: null}}
      return {body: {items: [{id: 1}], next: strange}}
    })
    expect((await reading(job({pages: cursor}))).keys).to.deep.equal(keys(1, '9007199254740993', 2))
  })

  for (const [says, more] of [
    ['true', true],
    ['false', false],
    [1, true],
    [0, false],
  ] as const)
    it(`say ${JSON.stringify(says)} of whether there are more`, async () => {
      await serve(({query}) => ({
        body: {items: [{id: query.get('cursor') ?? 1}], more: query.has('cursor') ? false : says, next: '2'},
      }))
      const found = await reading(job({pages: {...cursor, more: 'more'}}))
      expect(found.keys).to.deep.equal(more ? keys(1, 2) : keys(1))
    })

  // XML that was made JSON has no list of one.
  it('have an object where there is one record, or a map instead of a list', async () => {
    await serve(() => ({body: {items: {id: 1, name: 'only'}}}))
    const problem = await failureOf(reading(job()))
    expect(problem).to.contain('no list at items').and.to.contain('items.id').and.not.to.contain('only')
  })

  it('have something in the list that is no record', async () => {
    await serve(() => ({body: {items: [{id: 1}, null]}}))
    expect(await failureOf(reading(job()))).to.contain('something that is no record')
  })

  it('begin with a byte order mark', async () => {
    await serve(() => ({body: '\uFEFF{"items":[{"id":1}]}'}))
    expect((await reading(job())).keys).to.deep.equal(keys(1))
  })

  it('want the slash at the end of a path', async () => {
    await serve(({path}) => (path === '/v1/things/' ? {body: {items: [{id: 1}]}} : {status: 301, body: {}}))
    expect((await reading(job({path: '/things/'}))).keys).to.deep.equal(keys(1))
    expect(await failureOf(reading(job()))).to.contain('301')
  })

  // https://github.com/open-metadata/OpenMetadata/issues/33190
  it('give fewer records a page than they are asked for', async () => {
    await serve(({query}) => {
      const from = (Number(query.get('page')) - 1) * 3
      return {body: {items: [0, 1, 2, 3, 4, 5, 6].slice(from, from + 3).map((id) => ({id}))}}
    })
    const pages = {by: 'page', size: 30, size_param: 'limit', fills: true}
    expect((await reading(job({pages}))).keys).to.deep.equal(keys(0, 1, 2, 3, 4, 5, 6))
  })

  // https://github.com/semantics3/semantics3-python/issues/17, https://github.com/elastic/integrations/issues/7898
  it('claim more records than they show', async () => {
    await serve(({query}) => ({body: {items: query.get('offset') === '0' ? [{id: 1}] : [], total: 722}}))
    expect(await failureOf(reading(job({total: 'total', pages: {by: 'offset'}})))).to.match(/722|moved/)
  })

  // https://github.com/sapiencexyz/sapience/pull/1854
  it('repeat a page instead of one that is too far', async () => {
    await serve(({query}) => ({body: {items: [{id: Math.min(Number(query.get('page')), 3)}]}}))
    expect(await failureOf(reading(job({pages: {by: 'page'}})))).to.contain('same records as the page before')
  })

  // Xero, SharePoint and others that .NET once wrote.
  it('write times as /Date(…)/', () => {
    expect(timeIn('/Date(1767323045678)/')).to.equal(1_767_323_045_678)
    expect(timeIn('/Date(1767323045678+0200)/')).to.equal(1_767_323_045_678)
    expect(timeIn('2026-01-02T03:04:05.1234567')).to.equal(Date.parse('2026-01-02T03:04:05.123Z'))
  })
})
