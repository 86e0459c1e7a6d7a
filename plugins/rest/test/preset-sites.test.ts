import {expect} from 'chai'

import {options as schema} from '../src/options/options.ts'
import {startApi, type ApiAnswer, type ApiRequest, type ApiServer} from './api-server.ts'
import {failureOf, reading} from './reading.ts'

const MINUTE = 60_000
const FIRST = Date.UTC(2026, 0, 1)
const at = (minute: number): string => new Date(FIRST + minute * MINUTE).toISOString()
const window = {since: new Date(FIRST + 50 * MINUTE), until: new Date(FIRST + 300 * MINUTE)}
const numbers = (from: number, until: number): readonly number[] =>
  Array.from({length: until - from}, (_, index) => from + index)

describe("presets of services whose address is the customer's own", () => {
  let api: ApiServer
  const serve = async (answer: (request: ApiRequest, url: string) => ApiAnswer): Promise<void> => {
    api = await startApi(answer)
  }
  afterEach(async () => api.close())

  describe('the preset jira', () => {
    // Jira writes times with an offset that has no colon.
    const issue = (number: number) => ({
      id: String(10_000 + number),
      key: `DESK-${number}`,
      fields: {summary: 'a summary', updated: at(number).replace('Z', '+0000')},
    })
    const job = (object: string) => ({
      preset: 'jira',
      base_url: api.url,
      auth: {type: 'basic', user: 'ada@example.com', password: 'a-token'},
      streams: [object],
    })

    /** Answers as `search/jql` does: a bounded query, and a token for as long as there is more. */
    function search({body}: ApiRequest): ApiAnswer {
      const {
        jql,
        nextPageToken: token = '0',
        maxResults,
      } = body as {jql: string; nextPageToken?: string; maxResults: number}
      const [, since, until] = /^updated >= (\d+) and updated < (\d+) order by /.exec(jql) ?? []
      if (since === undefined || until === undefined)
        return {status: 400, body: {errorMessages: ['Unbounded JQL queries are not allowed here'], errors: {}}}
      const found = numbers(0, 400)
        .map(issue)
        .filter(({fields: {updated}}) => {
          const time = Date.parse(updated)
          return time >= Number(since) && time < Number(until)
        })
      // It gives fewer than it is asked for where records are large.
      const next = Number(token) + Math.min(maxResults, 60)
      const isLast = next >= found.length
      return {body: {issues: found.slice(Number(token), next), isLast, ...(!isLast && {nextPageToken: String(next)})}}
    }

    it('searches by times that no time zone of a user moves, and reads on while there is a token', async () => {
      await serve(search)
      const {keys, outside} = await reading(job('issue'), {window})
      expect(keys).to.deep.equal(numbers(50, 300).map((number) => `issue:rest--api:${10_000 + number}`))
      expect(outside).to.equal(0)
      const [first] = api.requests
      expect(first?.body).to.deep.include({fields: ['*all'], maxResults: 100})
      expect(first?.headers.authorization).to.equal(
        `Basic ${Buffer.from('ada@example.com:a-token').toString('base64')}`,
      )
      expect((await reading(job('issue'), {window: {until: window.until}})).keys).to.have.length(300)
    })

    it('reads the comments of the issues of its window, page by page', async () => {
      await serve((request) => {
        const {path, query} = request
        if (path === '/rest/api/3/search/jql') return search(request)
        const all = path === '/rest/api/3/issue/10051/comment' ? numbers(0, 150) : []
        const from = Number(query.get('startAt'))
        const comments = all.slice(from, from + 100).map((number) => ({id: String(number)}))
        return {body: {startAt: from, maxResults: 100, total: all.length, comments}}
      })
      const two = {since: new Date(FIRST + 50 * MINUTE), until: new Date(FIRST + 52 * MINUTE)}
      const {keys, records} = await reading(job('comment'), {window: two})
      expect(keys).to.deep.equal(numbers(0, 150).map((number) => `comment:rest--api:${number}`))
      expect(records[0]).to.deep.equal({id: '0', issue_id: '10051'})
    })

    it('fails where the service gives the same token for ever', async () => {
      await serve(() => ({body: {issues: [issue(60)], isLast: false, nextPageToken: 'again'}}))
      expect(await failureOf(reading(job('issue'), {window}))).to.contain('page')
      expect(api.requests).to.have.length(2)
    })

    it('asks again where it is asked too often', async () => {
      await serve((request) =>
        request.index === 0 ? {status: 429, headers: {'retry-after': '0'}, body: {}} : search(request),
      )
      expect((await reading(job('issue'), {window})).keys).to.have.length(250)
    })

    it('says that the address and the token are missing', () => {
      const problems = schema
        .safeParse({preset: 'jira', object: 'issue'})
        .error?.issues.map(({path, message}) => `${path.join('.')} ${message}`)
      expect(problems).to.deep.equal([
        'base_url is missing; the preset jira takes https://SITE.atlassian.net',
        'auth is missing; the preset jira takes {type: basic, user: you@example.com, password: ${JIRA_TOKEN}}, an API token',
      ])
    })
  })

  describe('the preset zendesk', () => {
    const job = (object: string) => ({
      preset: 'zendesk',
      base_url: api.url,
      auth: {type: 'basic', user: 'ada@example.com/token', password: 'a-token'},
      streams: [object],
      units_per_minute: 100_000,
    })

    /** Answers as the cursor export does: a cursor always, also where the stream ends. */
    const exported =
      (tickets: readonly object[]) =>
      ({query}: ApiRequest): ApiAnswer => {
        const cursor = query.get('cursor')
        if ((cursor === null) === (query.get('start_time') === null))
          return {status: 400, body: {error: 'StartTimeMissing', description: 'start_time or cursor'}}
        const from = Number(cursor ?? 0)
        const next = Math.min(from + 2, tickets.length)
        return {
          body: {
            tickets: tickets.slice(from, next),
            after_cursor: String(next),
            after_url: `${api.url}/api/v2/incremental/tickets/cursor.json?cursor=${next}`,
            before_cursor: null,
            end_of_stream: next === tickets.length,
          },
        }
      }

    const tickets = [
      {id: 1, status: 'open', generated_timestamp: 1},
      {id: 2, status: 'deleted', generated_timestamp: 2},
      {id: 3, status: 'closed', generated_timestamp: 3},
      {id: 4, status: 'new', generated_timestamp: 4},
      {id: 5, status: 'new', generated_timestamp: 5},
    ]

    it('exports tickets to the end of the stream, and goes on from its cursor the next time', async () => {
      await serve(exported(tickets.slice(0, 3)))
      const first = await reading(job('ticket'), {stored: ['ticket:rest--api:2']})
      expect(first).to.deep.include({
        keys: ['ticket:rest--api:1', 'ticket:rest--api:3'],
        deleted: ['ticket:rest--api:2'],
        bookmarks: [{changes: '3'}],
      })
      expect(api.requests.map(({query}) => query.toString())).to.deep.equal(['start_time=0', 'cursor=2'])
      await api.close()
      await serve(exported(tickets))
      const second = await reading(job('ticket'), {bookmark: first.bookmarks[0] ?? null})
      expect(second).to.deep.include({keys: [4, 5].map((id) => `ticket:rest--api:${id}`), bookmarks: [{changes: '5'}]})
    })

    it('goes on from the last page where an export breaks off', async () => {
      await serve(exported(tickets))
      const {checkpoints} = await reading(job('ticket'))
      expect(checkpoints).to.deep.equal([{changes: '2'}, {changes: '4'}])
      expect((await reading(job('ticket'), {bookmark: {changes: '4'}})).keys).to.deep.equal(['ticket:rest--api:5'])
    })

    it('keeps no cursor of an account that has nothing yet, and needs none', async () => {
      await serve(() => ({body: {tickets: [], after_cursor: null, end_of_stream: true}}))
      expect(await reading(job('ticket'))).to.deep.include({keys: [], bookmarks: []})
    })

    it('fails where there is no cursor and the stream goes on, or nothing says whether it does', async () => {
      await serve(() => ({body: {tickets: [{id: 1}], after_cursor: null, end_of_stream: false}}))
      expect(await failureOf(reading(job('ticket')))).to.contain('end_of_stream says that there are more')
      await api.close()
      await serve(() => ({body: {tickets: [{id: 1}], after_cursor: 'a'}}))
      expect(await failureOf(reading(job('ticket')))).to.contain('what is at end_of_stream is neither true nor false')
    })

    it('reads organizations by time, and the last page though it names a next one', async () => {
      await serve(({query}, url) => {
        const from = Number(query.get('start_time'))
        const organizations = numbers(from, Math.min(from + 2, 5)).map((id) => ({
          id,
          deleted_at: id === 3 ? at(0) : null,
        }))
        const end = Math.min(from + 2, 5)
        const next = `${url}/api/v2/incremental/organizations.json?start_time=${end}`
        return {body: {organizations, count: 2, end_of_stream: end === 5, end_time: end, next_page: next}}
      })
      const {keys, bookmarks} = await reading(job('organization'))
      expect(keys).to.deep.equal([0, 1, 2, 4].map((id) => `organization:rest--api:${id}`))
      expect(bookmarks).to.deep.equal([{changes: '5'}])
      expect((await reading(job('organization'), {bookmark: {changes: '4'}})).keys).to.have.length(1)
    })

    it('fails where an export by time does not get on, more records than a page holds being of one second', async () => {
      await serve((_request, url) => ({
        body: {
          organizations: [{id: 1}],
          end_of_stream: false,
          end_time: 7,
          next_page: `${url}/api/v2/incremental/organizations.json?start_time=7`,
        },
      }))
      expect(await failureOf(reading(job('organization')))).to.contain('page 2')
      expect(api.requests.length).to.be.lessThan(4)
    })

    it('waits as long as the service says', async () => {
      await serve((request) =>
        request.index === 0 ? {status: 429, headers: {'retry-after': '0'}, body: {}} : exported(tickets)(request),
      )
      expect((await reading(job('ticket'))).keys).to.have.length(4)
    })
  })

  describe('the preset shopify', () => {
    const job = (object: string, more: object = {}) => ({
      preset: 'shopify',
      base_url: api.url,
      auth: {type: 'api_key', name: 'X-Shopify-Access-Token', key: 'a-key'},
      streams: [object],
      units_per_minute: 100_000,
      ...more,
    })

    /** Answers as the REST Admin API does: what a page holds is said by `page_info` alone. */
    function shop({path, query, headers}: ApiRequest, url: string): ApiAnswer {
      if (headers['x-shopify-access-token'] !== 'a-key')
        return {status: 401, body: {errors: '[API] Invalid API key or access token'}}
      const info = query.get('page_info')
      if (info !== null && query.has('updated_at_min'))
        return {status: 400, body: {errors: {page_info: 'Invalid value.'}}}
      const [from, since, until] =
        info === null
          ? [0, query.get('updated_at_min') ?? '', query.get('updated_at_max') ?? '']
          : (JSON.parse(Buffer.from(info, 'base64url').toString()) as [number, string, string])
      const all = numbers(0, 1000)
        .map((id) => ({id: 9_007_199_254_740 + id, updated_at: at(id).replace('.000Z', '+00:00')}))
        .filter(({updated_at: time}) => Date.parse(time) >= Date.parse(since) && Date.parse(time) <= Date.parse(until))
      const limit = Number(query.get('limit'))
      const rest = from + limit < all.length
      const next = Buffer.from(JSON.stringify([from + limit, since, until])).toString('base64url')
      const link = `<${url}${path}?limit=${limit}&page_info=x>; rel="previous", <${url}${path}?limit=${limit}&page_info=${next}>; rel="next"`
      return {
        body: {orders: all.slice(from, from + limit)},
        headers: {'x-shopify-shop-api-call-limit': '1/40', ...(rest && {link})},
      }
    }

    it('reads orders of its window by the links of the service, with its key and its version', async () => {
      await serve(shop)
      const wide = {since: new Date(FIRST), until: new Date(FIRST + 600 * MINUTE)}
      const {keys, outside} = await reading(job('order'), {window: wide})
      expect(keys).to.have.length(600)
      expect(outside).to.equal(1)
      expect(api.requests).to.have.length(3)
      expect(api.requests[0]?.path).to.equal('/admin/api/2026-10/orders.json')
      expect(Object.fromEntries(api.requests[0]?.query ?? [])).to.deep.equal({
        status: 'any',
        limit: '250',
        updated_at_min: '2025-12-31T23:59:59Z',
        updated_at_max: '2026-01-01T10:00:00Z',
      })
      await reading(job('order', {values: {version: '2026-07'}}), {window})
      expect(api.requests.at(-1)?.path).to.equal('/admin/api/2026-07/orders.json')
    })

    it('takes a page without a link as the last one, also where it is full', async () => {
      await serve(shop)
      const full = {since: new Date(FIRST + 1000), until: new Date(FIRST + 250.5 * MINUTE)}
      expect((await reading(job('order'), {window: full})).keys).to.have.length(250)
    })

    it('waits where the bucket is full, and fails with the words of a wrong key', async () => {
      await serve((request, url) =>
        request.index === 0
          ? {status: 429, headers: {'retry-after': '0.01'}, body: {errors: 'Exceeded 2 calls per second'}}
          : shop(request, url),
      )
      expect((await reading(job('order'), {window})).keys).to.have.length(250)
      const wrong = {auth: {type: 'api_key', name: 'X-Shopify-Access-Token', key: 'another'}}
      expect(await failureOf(reading(job('order', wrong), {window}))).to.contain('401')
    })

    it('follows no link to another shop, whose key it would get', async () => {
      await serve((_request, url) => ({
        body: {orders: [{id: 1, updated_at: at(60)}]},
        headers: {link: `<${url.replace('127.0.0.1', 'localhost')}/admin/api/2026-10/orders.json>; rel="next"`},
      }))
      expect(await failureOf(reading(job('order'), {window}))).to.contain('it was not followed')
    })
  })
})
