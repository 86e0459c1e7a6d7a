import {expect} from 'chai'

import {options as schema} from '../src/options/options.ts'
import source from '../src/source.ts'
import {startApi, type ApiServer} from './api-server.ts'
import {failureOf, reading} from './reading.ts'

const TICKETS = [
  {id: 1, updated_at: '2026-01-01T00:00:00Z'},
  {id: 2, updated_at: '2026-02-01T00:00:00Z'},
]
const COMMENTS: Readonly<Record<string, readonly object[]>> = {
  1: [
    {n: 1, at: '2026-01-05T00:00:00Z'},
    {n: 2, at: '2026-02-05T00:00:00Z'},
  ],
  2: [{n: 1, at: '2026-02-06T00:00:00Z'}],
}
const since = new Date('2026-02-01T00:00:00Z')

describe('streams of the rest source', () => {
  let api: ApiServer
  beforeEach(async () => {
    api = await startApi(({path}) => {
      const [, ticket] = /^\/tickets\/(\d+)\/comments$/.exec(path) ?? []
      if (ticket !== undefined) return {body: {list: COMMENTS[ticket] ?? []}}
      return {body: {list: path === '/tickets' ? TICKETS : [{id: 'ada'}]}}
    })
  })
  afterEach(async () => api.close())

  const comment = {
    path: '/tickets/{ticket.id}/comments',
    for_each: 'ticket',
    key: ['ticket', 'n'],
    parent_fields: {ticket: 'id'},
  }
  const job = (streams: object) => ({base_url: api.url, records: 'list', key: 'id', streams})

  it('are read side by side, with what the job says beside them', async () => {
    const {keys} = await reading(job({ticket: {path: '/tickets'}, person: {path: '/people'}}))
    expect(keys).to.deep.equal(['ticket:rest--api:1', 'ticket:rest--api:2', 'person:rest--api:ada'])
  })

  it('may be read for each record of another, whose id they take along', async () => {
    const {keys, records} = await reading(job({ticket: {path: '/tickets'}, comment}))
    expect(keys.filter((key) => key.startsWith('comment'))).to.deep.equal(
      ['1|1', '1|2', '2|1'].map((id) => `comment:rest--api:${id}`),
    )
    expect(records.at(-1)).to.deep.equal({n: 1, at: '2026-02-06T00:00:00Z', ticket: 2})
  })

  it('start anew where their own selection changes, and no other one does', () => {
    const selections = (streams: object) =>
      source.streams(schema.parse(job(streams))).map(({separate, selection}) => [separate, JSON.stringify(selection)])
    const before = selections({ticket: {path: '/tickets'}, person: {path: '/people'}, comment})
    const after = selections({ticket: {path: '/tickets', params: {state: 'all'}}, person: {path: '/people'}, comment})
    expect(before.map((one, index) => String(one) === String(after[index]))).to.deep.equal([false, true, false])
    expect(before.every(([separate]) => separate === true)).to.equal(true)
  })

  it('go by the window of the records that they are read for', async () => {
    const given = job({ticket: {path: '/tickets', window: {since: 'from', field: 'updated_at'}}, comment})
    expect(source.streams(schema.parse(given)).map(({windowed}) => windowed)).to.deep.equal([true, true])
    const {keys} = await reading(given, {window: {since}})
    expect(keys).to.deep.equal(['ticket:rest--api:2', 'comment:rest--api:2|1'])
  })

  it('are read for each of all records where they have times of their own', async () => {
    const windowed = {...comment, window: {field: 'at'}}
    const ticket = {path: '/tickets', window: {since: 'from', field: 'updated_at'}}
    const {keys} = await reading(job({ticket, comment: windowed}), {window: {since}})
    expect(keys).to.have.members(['ticket:rest--api:2', 'comment:rest--api:1|2', 'comment:rest--api:2|1'])
    const alone = await reading(job({ticket: {path: '/tickets'}, comment: windowed}), {
      window: {since},
      streams: ['comment'],
    })
    expect(alone.keys).to.deep.equal(['comment:rest--api:1|2', 'comment:rest--api:2|1'])
  })

  it('fail where the record that they belong to lacks what they need', async () => {
    const wrong = {...comment, path: '/tickets/{ticket.uuid}/comments'}
    expect(await failureOf(reading(job({ticket: {path: '/tickets'}, comment: wrong})))).to.contain(
      'a record of ticket has no text or number at uuid',
    )
    const taken = {...comment, parent_fields: {n: 'id'}}
    expect(await failureOf(reading(job({ticket: {path: '/tickets'}, comment: taken})))).to.contain('gives n itself')
  })
})

describe('options of the rest source', () => {
  const good = {base_url: 'https://api.example.com/v2', object: 'ticket', path: '/tickets', records: 'items', key: 'id'}
  const problemsOf = (given: unknown): readonly string[] =>
    schema.safeParse(given).error?.issues.map(({path, message}) => `${path.join('.')} ${message}`) ?? []

  it('need an address, an object type, a path, the list and the key', () => {
    expect(problemsOf(good)).to.deep.equal([])
    expect(problemsOf({}).map((problem) => problem.split(' ')[0])).to.deep.equal(['base_url', 'object'])
    expect(
      problemsOf({...good, path: undefined, records: undefined, key: undefined}).map(
        (problem) => problem.split(' ')[0],
      ),
    ).to.deep.equal(['path', 'key', 'records'])
  })

  for (const [wrong, words] of [
    [{headers: {'X-Api-Key': 'k'}}, 'headers.X-Api-Key is a credential'],
    [{headers: {Authorization: 'Bearer k'}}, 'headers.Authorization is a credential'],
    [{auth: {type: 'bearer'}}, 'auth.token'],
    [{auth: {type: 'baerer', token: 'x'}}, 'auth.type'],
    [{path: '/repos/{owner}/issues'}, '{owner}, which stands for nothing'],
    [{window: {since: 'from'}}, 'window needs field'],
    [{window: {order: 'ascending', since: 'a', until: 'b'}}, 'window needs field beside order'],
    [{params: {since: '{window.since}'}}, 'window is missing'],
    [{body: {a: 1}}, 'body needs method: POST'],
    [{pages: {by: 'cursor', param: 'c'}}, 'pages.path a cursor is either at path'],
    [{pages: {by: 'page', fills: true}}, 'pages.size is needed beside fills'],
    [{pages: {by: 'pages'}}, 'pages'],
    [{pages: {by: 'link', sise: 3}}, 'pages'],
    [{changes: {path: 'a', param: 'b'}, window: {since: 'a', until: 'b'}}, 'changes stands in for window'],
    [{for_each: 'account'}, 'for_each names account, which is none of the streams'],
    [{preset: 'githup'}, 'preset is none of the presets'],
    [{streams: {a: {}}, object: 'a'}, 'object is for a job with one stream'],
    [{records: 'data..items'}, 'records must be a dotted path'],
    [
      {
        auth: {
          type: 'oauth2_client_credentials',
          token_url: 'https://login.example.com/t',
          client_id: 'a',
          client_secret: 'b',
          client_auth: 'basic',
        },
      },
      'auth.client_auth cannot be basic',
    ],
  ] as const)
    it(`refuse ${JSON.stringify(wrong)}`, () => {
      expect(problemsOf({...good, ...wrong}).join('\n')).to.contain(words)
    })

  it('refuse streams that are read for each of their own records', () => {
    const streams = {a: {path: '/{b.id}', for_each: 'b'}, b: {path: '/{a.id}', for_each: 'a'}}
    const {object: _object, path: _path, ...rest} = good
    expect(problemsOf({...rest, streams}).join('\n')).to.contain('streams.a.for_each leads back to a')
  })
})
