import {createEmulator} from 'emulate'
import {expect} from 'chai'

import {options as schema} from '../src/options/options.ts'
import {presetNamed, presetNames} from '../src/preset.ts'
import source from '../src/source.ts'
import {startApi} from './api-server.ts'
import {failureOf, reading} from './reading.ts'

const auth = {type: 'bearer', token: 'a-token'}
const values = {
  owner: 'octocat',
  repo: 'hello',
  project: 'group/project',
  base: 'app1',
  table: 'My table',
  database: 'd1',
}

describe('the presets of the rest source', () => {
  it('are there for these services', () => {
    expect(presetNames()).to.deep.equal([
      'airtable',
      'github',
      'gitlab',
      'hubspot',
      'jira',
      'notion',
      'shopify',
      'slack',
      'stripe',
      'zendesk',
    ])
  })

  for (const name of presetNames())
    it(`say of ${name} all that its streams need, and where the service says so`, () => {
      const {streams = {}, documentation = [], needs = {}} = presetNamed(name) ?? {}
      const site = needs['base_url'] === undefined ? {} : {base_url: 'https://shop.example.com'}
      for (const stream of Object.keys(streams)) schema.parse({preset: name, ...site, auth, values, object: stream})
      const all = schema.parse({preset: name, ...site, auth, values, streams: Object.keys(streams)})
      expect(source.streams(all).map(({objectType}) => objectType)).to.have.members(Object.keys(streams))
      expect(documentation.length).to.be.greaterThan(3)
      for (const address of documentation) expect(new URL(address).protocol).to.equal('https:')
    })

  it('say what is missing', () => {
    const issues = schema
      .safeParse({preset: 'github'})
      .error?.issues.map(({path, message}) => `${path.join('.')} ${message}`)
    expect(issues).to.deep.equal([
      'auth is missing; the preset github takes {type: bearer, token: ${GITHUB_TOKEN}}',
      'values is missing; the preset github takes {owner: …, repo: …}',
      'object names what is read, and what keys begin with: one of issue, issue_comment, pull, review_comment, commit, release, label, milestone, or several of them under streams; it is missing',
    ])
    const unknown = schema.safeParse({preset: 'stripe', auth, object: 'costumer'}).error?.issues[0]?.message
    expect(unknown).to.contain('the preset stripe has no stream costumer, but customer, charge')
  })

  it('let a job say more of a stream, or something else', () => {
    const options = schema.parse({
      preset: 'github',
      auth,
      values,
      streams: {issue: {params: {labels: 'bug'}}, tag: {path: '/repos/{owner}/{repo}/tags', key: 'name'}},
    })
    expect(source.streams(options).map(({objectType, windowed}) => [objectType, windowed])).to.deep.equal([
      ['issue', true],
      ['tag', false],
    ])
  })
})

describe('the preset github', () => {
  it('reads issues and commits of a server that others wrote, page by page and by window', async () => {
    const github = await createEmulator({
      service: 'github',
      port: 0,
      hostname: '127.0.0.1',
      seed: {
        tokens: {'a-token': {login: 'octocat', scopes: ['repo']}},
        github: {users: [{login: 'octocat'}], repos: [{owner: 'octocat', name: 'hello', auto_init: true}]},
      },
    })
    try {
      for (let number = 0; number < 130; number += 1) {
        const made = await fetch(`${github.url}/repos/octocat/hello/issues`, {
          method: 'POST',
          headers: {authorization: 'Bearer a-token', 'content-type': 'application/json'},
          body: JSON.stringify({title: `issue ${number}`}),
        })
        expect(made.status, await made.text()).to.equal(201)
      }
      const job = {preset: 'github', base_url: github.url, auth, values, streams: ['issue', 'commit', 'label']}
      const later = new Date(Date.now() + 3_600_000)
      // The last issue may be of this very millisecond, which a window that ends now leaves to the next one.
      const {keys, records} = await reading(job, {window: {until: later}})
      const issues = keys.filter((key) => key.startsWith('issue:'))
      expect(new Set(issues).size).to.equal(130)
      expect(keys.filter((key) => key.startsWith('commit:'))).to.have.length(1)
      const future = {since: later, until: new Date(later.getTime() + 1000)}
      const issuesIn = async (window: {since?: Date; until: Date}): Promise<readonly string[]> =>
        (await reading({...job, streams: ['issue']}, {window})).keys
      expect(await issuesIn(future)).to.deep.equal([])
      // Lists are in descending order, so the first record is the newest.
      for (const index of [0, 1, 64, 129]) {
        const at = new Date(String(records[index]?.['updated_at']))
        const [before, from] = [await issuesIn({until: at}), await issuesIn({since: at, until: later})]
        expect([...before, ...from], `windows that meet at issue ${index}`).to.have.members(issues)
      }
      expect(records[0]).to.include.keys('html_url', 'updated_at')
    } finally {
      await github.close()
    }
  })

  it('reads pull requests until they are older than the window, and waits where the quota is spent', async () => {
    const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
    const pulls = Array.from({length: 500}, (_, index) => ({id: index, updated_at: at(index)})).toReversed()
    const limit = {'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) - 5)}
    const api = await startApi(({query, index}, url) => {
      if (index === 1) return {status: 403, headers: limit, body: {message: 'API rate limit exceeded'}}
      const page = Number(query.get('page') ?? 1)
      const link = `<${url}/repos/octocat/hello/pulls?state=all&per_page=100&page=${page + 1}>; rel="next"`
      return {body: pulls.slice((page - 1) * 100, page * 100), headers: {link}}
    })
    try {
      const window = {since: new Date(at(350)), until: new Date(at(450))}
      const job = {preset: 'github', base_url: api.url, auth, values, object: 'pull'}
      expect((await reading(job, {window})).keys).to.have.length(100)
      expect(api.requests).to.have.length(3)
    } finally {
      await api.close()
    }
  })
})

describe('the preset stripe', () => {
  it('reads customers of a server that others wrote', async () => {
    const stripe = await createEmulator({service: 'stripe', port: 0, hostname: '127.0.0.1'})
    try {
      for (let number = 0; number < 120; number += 1)
        await fetch(`${stripe.url}/v1/customers`, {
          method: 'POST',
          headers: {authorization: 'Bearer sk_test_1', 'content-type': 'application/x-www-form-urlencoded'},
          body: `name=customer+${number}`,
        })
      const job = {
        preset: 'stripe',
        base_url: stripe.url,
        auth: {type: 'bearer', token: 'sk_test_1'},
        object: 'customer',
      }
      const {keys, records} = await reading(
        {...job, units_per_minute: 100_000},
        {window: {until: new Date(Date.now() + 60_000)}},
      )
      expect(new Set(keys).size).to.be.at.least(120)
      expect(records[0]).to.include({object: 'customer'})
    } finally {
      await stripe.close()
    }
  })

  it('asks for the times of its window, and fails where the service stops in the middle', async () => {
    const api = await startApi(({query}) => ({
      body: {
        data: [{id: `ch_${query.get('starting_after') ?? ''}`, created: 1_767_225_600}],
        has_more: !query.has('starting_after'),
      },
    }))
    try {
      const job = {preset: 'stripe', base_url: api.url, auth, object: 'charge'}
      const window = {since: new Date('2026-01-01T00:00:00Z'), until: new Date('2026-01-02T00:00:00Z')}
      expect((await reading(job, {window})).keys).to.have.length(2)
      expect(Object.fromEntries(api.requests[1]?.query ?? [])).to.deep.equal({
        'created[gte]': '1767225599',
        'created[lt]': '1767312000',
        limit: '100',
        starting_after: 'ch_',
      })
      const broken = await startApi(() => ({body: {data: [], has_more: true}}))
      expect(await failureOf(reading({...job, base_url: broken.url}))).to.contain('has_more says that there are more')
      await broken.close()
    } finally {
      await api.close()
    }
  })
})

describe('the preset slack', () => {
  it('reads the messages of each channel, and fails with the words of an answer that is not ok', async () => {
    const api = await startApi(({path, query, headers}) => {
      if (headers.authorization !== 'Bearer a-token') return {body: {ok: false, error: 'invalid_auth'}}
      if (path === '/conversations.list') {
        const isLast = query.get('cursor') === 'dGVhbTpD'
        const channels = [{id: isLast ? 'C2' : 'C1', name: 'general'}]
        return {body: {ok: true, channels, response_metadata: {next_cursor: isLast ? '' : 'dGVhbTpD'}}}
      }
      const [oldest, latest] = [Number(query.get('oldest')), Number(query.get('latest'))]
      const all = ['1767225600.000100', '1767225700.000200', '1767300000.000300']
      const messages = all
        .filter((ts) => Number(ts) > oldest && Number(ts) < latest)
        .map((ts) => ({type: 'message', ts}))
      return {body: {ok: true, messages, has_more: false}}
    })
    try {
      const job = {preset: 'slack', base_url: api.url, auth, streams: ['message'], units_per_minute: 100_000}
      const window = {since: new Date(1_767_225_650_000), until: new Date(1_767_300_000_000)}
      expect((await reading(job, {window})).keys).to.deep.equal([
        'message:rest--api:C1|1767225700.000200',
        'message:rest--api:C2|1767225700.000200',
      ])
      const wrong = {...job, auth: {type: 'bearer', token: 'another'}}
      expect(await failureOf(reading(wrong, {window}))).to.contain('channel: page 1 of /conversations.list')
      expect(await failureOf(reading(wrong, {window}))).to.contain('invalid_auth')
    } finally {
      await api.close()
    }
  })
})

describe('the preset gitlab', () => {
  it('asks for a project by its path, and follows links', async () => {
    const api = await startApi(({query}, url) => {
      const page = Number(query.get('page') ?? 1)
      const next = `<${url}/projects/group%2Fproject/issues?page=${page + 1}>; rel="next", `
      const issues = [{id: page, iid: page, updated_at: '2026-01-01T12:00:00.000Z'}]
      return {body: issues, headers: {link: `${page < 3 ? next : ''}<${url}/projects?page=1>; rel="first"`}}
    })
    try {
      const key = {type: 'api_key', name: 'PRIVATE-TOKEN', key: 'a-key'}
      const job = {preset: 'gitlab', base_url: api.url, auth: key, values, object: 'issue'}
      const window = {since: new Date('2026-01-01T00:00:00Z'), until: new Date('2026-01-02T00:00:00Z')}
      expect((await reading(job, {window})).keys).to.have.length(3)
      const [first] = api.requests
      expect(first?.path).to.equal('/projects/group/project/issues')
      expect(first?.headers['private-token']).to.equal('a-key')
      expect(first?.query.get('updated_after')).to.equal('2025-12-31T23:59:59.999Z')
    } finally {
      await api.close()
    }
  })
})

describe('the presets hubspot, airtable and notion', () => {
  const SIZE = 100
  const ALL = Array.from({length: 250}, (_, index) => ({
    id: `id${index}`,
    last_edited_time: new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString(),
  }))

  it('read every page of a list whose last page says nothing of a next one', async () => {
    const api = await startApi(({path, query}) => {
      const from = Number(query.get('after') ?? query.get('offset') ?? 0)
      const page = ALL.slice(from, from + Number(query.get('limit') ?? query.get('pageSize')))
      const next = from + page.length < ALL.length ? String(from + page.length) : undefined
      if (path === '/v0/app1/My table') return {body: {records: page, ...(next !== undefined && {offset: next})}}
      return {body: {results: page, ...(next !== undefined && {paging: {next: {after: next}}})}}
    })
    try {
      const common = {base_url: api.url, auth, values, units_per_minute: 100_000}
      expect((await reading({...common, preset: 'hubspot', object: 'deal'})).keys).to.have.length(ALL.length)
      expect((await reading({...common, preset: 'airtable', object: 'record'})).keys).to.have.length(ALL.length)
      expect(api.requests).to.have.length(6)
    } finally {
      await api.close()
    }
  })

  it('search by POST for what was edited since', async () => {
    const api = await startApi(({method, path, body, headers}) => {
      if (method !== 'POST' || path !== '/v1/databases/d1/query' || headers['notion-version'] !== '2022-06-28')
        return {status: 400, body: {object: 'error', message: 'validation_error'}}
      const {
        filter,
        start_cursor: start = '0',
        page_size: size,
      } = body as {
        filter: {last_edited_time: {on_or_after: string}}
        start_cursor?: string
        page_size: number
      }
      const found = ALL.filter(({last_edited_time: time}) => time >= filter.last_edited_time.on_or_after)
      const next = Number(start) + size
      const more = next < found.length
      return {
        body: {results: found.slice(Number(start), next), has_more: more, next_cursor: more ? String(next) : null},
      }
    })
    try {
      const job = {preset: 'notion', base_url: api.url, auth, values, object: 'page', units_per_minute: 100_000}
      const window = {
        since: new Date(ALL[20]?.last_edited_time ?? ''),
        until: new Date(ALL[230]?.last_edited_time ?? ''),
      }
      expect((await reading(job, {window})).keys).to.deep.equal(
        ALL.slice(20, 230).map(({id}) => `page:rest--api:${id}`),
      )
      expect(api.requests.map(({body}) => (body as {page_size: number}).page_size)).to.deep.equal([SIZE, SIZE, SIZE])
    } finally {
      await api.close()
    }
  })
})
