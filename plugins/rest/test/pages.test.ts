import {expect} from 'chai'

import {startApi, type ApiAnswer, type ApiRequest, type ApiServer} from './api-server.ts'
import {failureOf, reading} from './reading.ts'

const ALL = Array.from({length: 7}, (_, index) => ({id: index + 1, name: `n${index + 1}`}))
const IDS = ALL.map(({id}) => `thing:rest--api:${id}`)
const SIZE = 3

describe('pages of the rest source', () => {
  let api: ApiServer
  afterEach(async () => api.close())

  const serve = async (answer: (request: ApiRequest, url: string) => ApiAnswer): Promise<void> => {
    api = await startApi(answer)
  }
  const job = (options: object) => ({
    base_url: `${api.url}/v1/`,
    object: 'thing',
    path: '/things',
    records: 'data.items',
    key: 'id',
    ...options,
  })
  const part = (from: number, size = SIZE) => ALL.slice(from, from + size)

  it('follow a Link header, also where parameters stand before the relation', async () => {
    await serve(({query}, url) => {
      const page = Number(query.get('page') ?? 1)
      const link = `<${url}/v1/things?page=1>; rel="first"`
      const next = `, <${url}/v1/things?page=${page + 1}>; title="a, b"; rel="next last"`
      return {body: part((page - 1) * SIZE), headers: {link: page < 3 ? link + next : link}}
    })
    expect((await reading(job({records: '', pages: {by: 'link'}}))).keys).to.deep.equal(IDS)
    expect(api.requests.map(({path}) => path)).to.deep.equal(['/v1/things', '/v1/things', '/v1/things'])
  })

  it('follow an address in the answer, absolute or not', async () => {
    await serve(({query}, url) => {
      const from = Number(query.get('from') ?? 0)
      const next = from === 0 ? '/v1/things?from=3' : from === 3 ? `${url}/v1/things?from=6` : null
      return {body: {data: {items: part(from)}, links: {next}}}
    })
    expect((await reading(job({pages: {by: 'next', path: 'links.next'}}))).keys).to.deep.equal(IDS)
  })

  it('refuse an address on another host, and send nothing there', async () => {
    await serve(() => ({body: {data: {items: part(0)}, next: 'https://elsewhere.example/things'}}))
    const auth = {type: 'bearer', token: 'a-secret-token'}
    const problem = await failureOf(reading(job({auth, pages: {by: 'next', path: 'next'}})))
    expect(problem).to.contain('thing: page 2 of /things: the service names an address at https://elsewhere.example')
    expect(problem).not.to.contain('a-secret-token')
  })

  it('go by a cursor, through empty pages to its end', async () => {
    await serve(({query}) => {
      const cursor = query.get('cursor') ?? 'a'
      const items = {a: part(0), b: [], c: part(3, 4)}[cursor]
      return {body: {data: {items}, meta: {next: {a: 'b', b: 'c', c: ''}[cursor]}}}
    })
    const pages = {by: 'cursor', path: 'meta.next', param: 'cursor', size: 3, size_param: 'limit'}
    expect((await reading(job({pages}))).keys).to.deep.equal(IDS)
    expect(api.requests.map(({query}) => query.get('limit'))).to.deep.equal(['3', '3', '3'])
  })

  it('begin after the last record, until the service says that there are no more', async () => {
    await serve(({query}) => {
      const from = Number(query.get('starting_after') ?? 0)
      return {body: {data: {items: part(from)}, has_more: from + SIZE < ALL.length}}
    })
    const pages = {by: 'cursor', last: 'id', param: 'starting_after', more: 'has_more'}
    expect((await reading(job({pages}))).keys).to.deep.equal(IDS)
    expect(api.requests).to.have.length(3)
  })

  it('count pages and offsets until one is empty', async () => {
    await serve(({query}) => {
      const from = query.has('page') ? (Number(query.get('page')) - 1) * SIZE : Number(query.get('offset'))
      return {body: {data: {items: part(from)}}}
    })
    expect((await reading(job({pages: {by: 'page'}}))).keys).to.deep.equal(IDS)
    expect(api.requests.map(({query}) => query.get('page'))).to.deep.equal(['1', '2', '3', '4'])
    expect((await reading(job({pages: {by: 'offset'}}))).keys).to.deep.equal(IDS)
  })

  it('end with a short page only once the service has filled one', async () => {
    await serve(({query}) => ({body: {data: {items: part((Number(query.get('page')) - 1) * SIZE)}}}))
    const counted = (size: number) => job({pages: {by: 'page', size, size_param: 'limit', fills: true}})
    expect((await reading(counted(SIZE))).keys).to.deep.equal(IDS)
    expect(api.requests).to.have.length(3)
    // It gives three, however many it is asked for.
    expect((await reading(counted(100))).keys).to.deep.equal(IDS)
    expect(api.requests).to.have.length(3 + 4)
  })

  it('read a list again that moves while it is read by offset', async () => {
    let gone = 0
    await serve(({query, index}) => {
      // The first record is deleted behind the first page.
      if (index === 1) gone = 1
      const offset = Number(query.get('offset'))
      return {body: {data: {items: ALL.slice(gone).slice(offset, offset + SIZE)}}}
    })
    const {keys} = await reading(job({pages: {by: 'offset'}}))
    expect([...new Set(keys)]).to.have.members(IDS)
  })

  for (const by of ['link', 'next'])
    it(`read a list again that loses a record while it is read by ${by}, where its addresses count and total tells`, async () => {
      let gone = 0
      await serve(({query, index}) => {
        // The first record is deleted behind the first page.
        if (index === 1) gone = 1
        const page = Number(query.get('page') ?? 1)
        const left = ALL.slice(gone)
        const next = page * SIZE < left.length ? `/v1/things?page=${page + 1}` : null
        const items = left.slice((page - 1) * SIZE, page * SIZE)
        return {
          body: {data: {items}, next, total: left.length},
          headers: {link: next === null ? '' : `<${next}>; rel="next"`},
        }
      })
      const pages = by === 'link' ? {by} : {by, path: 'next'}
      const {keys} = await reading(job({pages, total: 'total'}))
      expect([...new Set(keys)]).to.have.members(IDS)
    })

  it('fail where a list never stands still', async () => {
    await serve(({index}) => ({body: {data: {items: [{id: index * 10}, {id: index * 10 + 1}]}}}))
    expect(await failureOf(reading(job({pages: {by: 'offset'}})))).to.match(/the list moved while it was read, 4 times/)
  })

  it('fail where the service does not heed the parameter', async () => {
    await serve(() => ({body: {data: {items: part(0)}, next: 'same'}}))
    for (const [pages, words] of [
      [{by: 'page'}, 'does not heed page'],
      [{by: 'offset'}, 'does not heed the offset'],
      [{by: 'cursor', path: 'next', param: 'curser'}, 'does not heed curser'],
      [{by: 'cursor', last: 'id', param: 'after'}, 'does not heed after'],
    ] as const)
      expect(await failureOf(reading(job({pages})))).to.contain(words)
  })

  it('fail where pages lead round in a circle', async () => {
    await serve(({query}) => {
      const page = Number(query.get('p') ?? 0)
      return {body: {data: {items: [{id: page}]}, next: `/v1/things?p=${page === 9 ? 3 : page + 1}`}}
    })
    expect(await failureOf(reading(job({pages: {by: 'next', path: 'next'}})))).to.contain('was read already')
  })

  it('fail where a full first page says nothing of a next one, unless the job says that this is the end', async () => {
    await serve(() => ({body: {data: {items: part(0)}, meta: {next_cursor: 'c2'}}}))
    const wrong = {by: 'cursor', path: 'meta.nextCursor', param: 'cursor', size: SIZE}
    const problem = await failureOf(reading(job({pages: wrong})))
    expect(problem).to.contain('thing: page 1 of /things: the first page is full, with 3 records')
    expect(problem).to.contain('the answer has: data.items (3), meta.next_cursor')
    expect((await reading(job({pages: {...wrong, missing_ends: true}}))).keys).to.have.length(3)
  })

  it('fail where the job says nothing of pages and the answer does', async () => {
    const items = part(0)
    const answers: readonly (readonly [ApiAnswer, string])[] = [
      [{body: {data: {items}, links: {next: '/v1/things?page=2'}}}, 'pages: {by: next, path: links.next}'],
      [{body: {data: {items}, next_cursor: 'x', has_more: true}}, 'pages: {by: cursor, path: next_cursor'],
      [{body: {data: {items}}, headers: {link: '</v1/things?page=2>; rel=next'}}, 'pages: {by: link}'],
      [{body: {data: {items: Array.from({length: 100}, (_, id) => ({id}))}}}, 'pages: {by: none}'],
    ]
    await serve(({index}) => answers[index]?.[0] ?? {body: {data: {items}}})
    for (const [, words] of answers) expect(await failureOf(reading(job({})))).to.contain(words)
    expect((await reading(job({}))).keys).to.have.length(3)
  })

  it('fail where fewer records come than the service says that there are', async () => {
    await serve(({query}) => ({
      body: {data: {items: part((Number(query.get('page')) - 1) * SIZE)}, total: 20},
      headers: {'x-total': '7'},
    }))
    const pages = {by: 'page'}
    expect(await failureOf(reading(job({pages, total: 'total'})))).to.contain('thing: 7 of 20 records came')
    expect((await reading(job({pages, total_header: 'x-total'}))).keys).to.have.length(7)
    expect(await failureOf(reading(job({pages, total: 'count'})))).to.contain('there is no number at count')
  })

  it('never end with a page that fails', async () => {
    await serve(({query}) => (query.get('page') === '3' ? {status: 404, body: {}} : {body: {data: {items: part(0)}}}))
    expect(await failureOf(reading(job({pages: {by: 'page'}})))).to.not.equal('nothing')
  })

  it('end with a status that the job takes for nothing', async () => {
    await serve(({query}) =>
      query.get('page') === '2' ? {status: 404, body: {detail: 'Invalid page.'}} : {body: {data: {items: part(0)}}},
    )
    expect((await reading(job({pages: {by: 'page'}, empty: [404]}))).keys).to.have.length(3)
  })

  it('say where the list is not, and what is there instead', async () => {
    await serve(({index}) => ({body: index < 2 ? {data: {results: part(0), secret: 'payload'}, meta: 1} : part(0)}))
    const wrong = await failureOf(reading(job({})))
    expect(wrong).to.equal(
      'thing: page 1 of /things: no list at data.items; the answer has: data.results (3), data.secret, meta',
    )
    expect(await failureOf(reading(job({records: ''})))).to.contain('no list at the root')
    expect(await failureOf(reading(job({records: 'items'})))).to.contain("set records: ''")
  })

  it('search by POST, with the cursor in the body', async () => {
    await serve(({body}) => {
      const {query, page} = body as {query: string; page?: {after?: string}}
      if (query !== 'state:open') return {status: 400, body: {}}
      const from = Number(page?.after ?? 0)
      return {body: {data: {items: part(from)}, next: from + SIZE < ALL.length ? from + SIZE : undefined}}
    })
    const options = {
      method: 'POST',
      body: {query: 'state:{state}', page: {size: 3}},
      values: {state: 'open'},
      pages: {by: 'cursor', path: 'next', param: 'page.after'},
    }
    expect((await reading(job(options))).keys).to.deep.equal(IDS)
    expect(api.requests[1]?.body).to.deep.equal({query: 'state:open', page: {size: 3, after: '3'}})
  })

  it('keep ids of many digits, and composite keys apart', async () => {
    await serve(() => ({
      body: '{"data":{"items":[{"id":1234567890123456789012,"org":"a|b","n":{"x":1}},{"id":2,"org":"c","n":{"x":"é"}}]}}',
    }))
    const {keys} = await reading(job({key: ['org', 'id', 'n.x']}))
    expect(keys).to.deep.equal(['thing:rest--api:a%7Cb|1234567890123456789012|1', 'thing:rest--api:c|2|%C3%A9'])
    expect(await failureOf(reading(job({key: 'uuid'})))).to.contain('no text or number at uuid, its key')
  })

  it('take a path with a colon for a path, and an answer without a body for nothing, where the job says so', async () => {
    await serve(({path}) => (path === '/v1/things:search' ? {status: 204} : {status: 404, body: {}}))
    expect((await reading(job({path: 'things:search', empty: [204]}))).keys).to.deep.equal([])
    expect(await failureOf(reading(job({path: 'things:search'})))).to.contain('answered 204')
  })

  it('fail with the words of an answer that says with status 200 that something is wrong', async () => {
    await serve(() => ({body: {ok: false, error: 'missing_scope'}}))
    expect(await failureOf(reading(job({error: 'error'})))).to.contain('says at error: missing_scope')
  })
})
