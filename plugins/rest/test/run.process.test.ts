import {expect} from 'chai'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {query} from '../../../test/support/database.ts'
import {createProject, exists, type Project} from '../../../test/support/external-source.ts'
import {startApi, type ApiRequest, type ApiServer} from './api-server.ts'

const COUNT = 500
const SIZE = 100
const FIRST = Date.parse('2026-01-01T00:00:00Z')
const HOUR = 3_600_000

interface Ticket {
  id: number
  updated_at: string
  title: string
}

const yaml = (url: string): string => `
accounts:
  desk:
    source: rest
    base_url: ${url}/v2
    auth: {type: api_key, in: query, name: api_key, key: "\${DESK_KEY}"}
    records: data.items
    key: id
    pages: {by: cursor, path: meta.next, param: cursor, size: ${SIZE}, size_param: limit}
jobs:
  tickets:
    account: desk
    object: ticket
    path: /tickets
    total: meta.total
    window: {since: from, until: to, format: iso-seconds, field: updated_at}
  desk_all:
    account: desk
    streams:
      person: {path: /people}
      note: {path: '/people/{person.id}/notes', for_each: person, parent_fields: {person: id}, key: [person, id]}
`

describe('runs of the rest source', () => {
  const key = 'a-key-of-the-desk'
  let tickets: Ticket[]
  let broken: ((request: ApiRequest) => boolean) | undefined
  /** Milliseconds that the clock of this machine is ahead of the service's. */
  let ahead: number
  let api: ApiServer
  let project: Project

  beforeEach(async () => {
    broken = undefined
    ahead = 0
    tickets = Array.from({length: COUNT}, (_, index) => ({
      id: index + 1,
      updated_at: new Date(FIRST + index * HOUR).toISOString(),
      title: `ticket ${index + 1}`,
    }))
    api = await startApi((request) => {
      const {path, query: asked} = request
      if (asked.get('api_key') !== key) return {status: 401, body: {message: `no such key: ${asked.get('api_key')}`}}
      if (broken?.(request) === true) return {status: 400, body: {message: 'broken'}}
      const all = listAt(path, asked)
      const from = Number(asked.get('cursor') ?? 0)
      const next = from + SIZE < all.length ? String(from + SIZE) : null
      const date = new Date(Date.now() - ahead).toUTCString()
      return {body: {data: {items: all.slice(from, from + SIZE)}, meta: {next, total: all.length}}, headers: {date}}
    })
    project = await createProject({home: await temporaryFolder(), yaml: yaml(api.url)})
  })
  afterEach(async () => api.close())

  function listAt(path: string, asked: URLSearchParams): readonly object[] {
    if (path === '/v2/people') return Array.from({length: 250}, (_, id) => ({id}))
    if (path.endsWith('/notes')) return [{id: 1, text: `of ${path}`}]
    const [from, to] = [Date.parse(asked.get('from') ?? '1970-01-01'), Date.parse(asked.get('to') ?? '2100-01-01')]
    return tickets.filter(({updated_at: time}) => Date.parse(time) >= from && Date.parse(time) < to)
  }

  const run = async (...args: string[]) => project.run(['run', ...args], {DESK_KEY: key})
  const stdoutOf = async (...args: string[]): Promise<string> => {
    const {code, stdout, stderr} = await run(...args)
    expect(code, stdout + stderr).to.equal(0)
    return stdout
  }

  it('write nothing in a dry run, test tables alone in a test run, and nothing twice', async () => {
    expect(await stdoutOf('tickets', '--dry-run', '--since', '2026-01-02', '--until', '2026-01-03')).to.contain(
      '24 extracted',
    )
    expect(await exists(project.database)).to.equal(false)
    expect(await stdoutOf('tickets', '--test-table')).to.contain('500 extracted, 500 inserted')
    expect(await stdoutOf('tickets')).to.contain('500 extracted, 500 inserted')
    const rows = await query(
      project.database,
      `SELECT idem_key, payload->>'title' AS title FROM raw_objects ORDER BY idem_key`,
    )
    expect(rows).to.have.length(COUNT)
    expect(rows.find(({idem_key: id}) => id === 'ticket:rest--desk:7')).to.include({title: 'ticket 7'})
    expect(await stdoutOf('tickets')).to.contain('0 extracted')
    tickets.push({id: 7, updated_at: new Date().toISOString(), title: 'changed'})
    expect(await stdoutOf('tickets')).to.contain('1 extracted, 0 inserted, 1 updated')
  })

  it('fail where the clock of this machine is far ahead of the service, as no run would read what comes meanwhile', async () => {
    ahead = HOUR
    const {code, stderr} = await run('tickets')
    expect(code, stderr).to.equal(1)
    expect(stderr)
      .to.match(/the slice ends at .*, and the service says that it is/)
      .and.to.contain('[E_CLOCK_WRONG]')
      .and.to.contain('Set the clock of this machine')
    // The clock is right again, and more than an hour has passed.
    ahead = 0
    tickets.push({id: 1000, updated_at: new Date(Date.now() - HOUR / 2).toISOString(), title: 'meanwhile'})
    expect(await stdoutOf('tickets')).to.contain('501 extracted, 501 inserted')
    // The overlap, and ten minutes.
    ahead = HOUR / 4
    expect(await stdoutOf('tickets')).to.contain('0 inserted')
    expect(await stdoutOf('tickets', '--until', '-2h')).to.contain('0 inserted')
  })

  it('read several lists, and what belongs to each record of one', async () => {
    expect(await stdoutOf('desk_all')).to.contain('500 extracted, 500 inserted')
    expect(await stdoutOf('desk_all')).to.contain('500 extracted, 0 inserted, 0 updated')
    const [row] = await query(
      project.database,
      `SELECT payload->>'text' AS text FROM raw_objects WHERE idem_key = 'note:rest--desk:9|1'`,
    )
    expect(row).to.deep.equal({text: 'of /v2/people/9/notes'})
  })

  it('fail with the page, and go on from the last cursor that was committed', async () => {
    await project.write('lorchestra.yaml', yaml(api.url).replace(/    window: .*\n/, ''))
    broken = ({query: asked}) => asked.get('cursor') === '300'
    const failed = await run('tickets')
    expect(failed.code).to.equal(1)
    expect(failed.stdout + failed.stderr).to.contain('ticket: page 4 of /tickets')
    expect(failed.stdout + failed.stderr).not.to.contain(key)
    broken = undefined
    const before = api.requests.length
    await stdoutOf('tickets')
    expect(api.requests[before]?.query.get('cursor')).to.equal('300')
    const [stored] = await query(project.database, 'SELECT count(*)::INT AS count FROM raw_objects')
    expect(stored).to.deep.equal({count: COUNT})
  })

  it('are told how to read an API that nobody has looked at', async () => {
    const unknown = yaml(api.url)
      .replace('records: data.items', 'records: items')
      .replace(/    pages: .*\n/, '')
    await project.write('lorchestra.yaml', unknown)
    const {code, stdout, stderr} = await project.run(['jobs', 'explore', 'tickets'], {DESK_KEY: key})
    expect(code, stderr).to.equal(0)
    expect(stdout.replaceAll(api.url, 'URL')).to.equal(`ticket: GET URL/v2/tickets
  answered 200; the answer has: data.items (100), meta.next, meta.total
  lists of records: data.items (100)
  ids, probably: id, title
  times: updated_at
  next page: meta.next says that there is one
  total: meta.total
  which would be read by:
    path: /tickets
    records: data.items
    key: id
    pages: {by: cursor, path: meta.next, param: …}
    total: meta.total
    window: {since: …, until: …, field: updated_at} # the parameters that the documentation names
`)
    expect(await exists(project.database)).to.equal(false)
    const refused = await project.run(['jobs', 'explore', 'tickets'], {DESK_KEY: 'another-key'})
    expect(refused.code).to.equal(1)
    expect(refused.stdout + refused.stderr)
      .to.contain('401')
      .and.not.to.contain('another-key')
  })

  it('are told of another address of the same service, which gets the key, and of another service, which gets nothing', async () => {
    const explore = async (url: string, code = 0) => {
      const ended = await project.run(['jobs', 'explore', 'tickets', '--url', url], {DESK_KEY: key})
      expect(ended.code, ended.stdout + ended.stderr).to.equal(code)
      return (ended.stdout + ended.stderr).replaceAll(api.url, 'URL')
    }
    const other = await explore('/people?limit=10')
    expect(other).to.contain('GET URL/v2/people?limit=10\n  answered 200; the answer has: data.items (100)')
    expect(other).to.contain('path: /people\n    params: {"limit": "10"}\n    records: data.items')
    expect(api.requests.at(-1)?.query.get('api_key')).to.equal(key)
    expect(await explore(`${api.url}/v2/tickets`)).to.contain('path: /tickets')
    const stranger = await startApi(() => ({body: [{id: 1, created_at: '2026-01-01'}]}))
    try {
      const found = await explore(`${stranger.url}/things?a=1&a=2`)
      expect(found.replaceAll(stranger.url, 'OTHER')).to.contain(`GET OTHER/things?a=1&a=2
  without credentials and headers of the account, which go to ${new URL(api.url).host} alone
  answered 200; the answer is a list of 1`)
      expect(found.replaceAll(stranger.url, 'OTHER')).to.contain(
        'base_url: OTHER\n    path: /things\n    params: {"a": ["1","2"]}',
      )
      for (const {query: asked, headers} of stranger.requests) {
        expect([...asked.keys()]).to.deep.equal(['a', 'a'])
        expect(JSON.stringify(headers)).not.to.contain(key)
      }
    } finally {
      await stranger.close()
    }
    expect(await explore('http://192.0.2.7/things', 1)).to.contain('only https is allowed')
    expect(await explore('http://', 1)).to.contain('names an address that is none')
    expect(await exists(project.database)).to.equal(false)
  })

  it('say which option is wrong, and what was probably meant', async () => {
    await project.write('lorchestra.yaml', yaml(api.url).replace('pages:', 'page:').replace('    total:', '    totl:'))
    const {code, stderr} = await run('tickets', '--dry-run')
    expect(code).to.equal(2)
    expect(stderr).to.contain('rest has no option "page"').and.to.contain('Did you mean "pages"?')
    expect(stderr).to.contain('rest has no option "totl"').and.to.contain('Did you mean "total"?')
  })

  it('begin with what init writes', async () => {
    const fresh = await createProject({home: await temporaryFolder(), yaml: ''})
    const init = await fresh.run(['init', '--source', 'rest', '--account', 'desk', '--directory', 'new'])
    expect(init.code, init.stderr).to.equal(0)
    const file = ['--config', 'new/lorchestra.yaml']
    const missing = await fresh.run(['jobs', 'show', 'rest_ingest_desk', ...file])
    expect(missing.stdout + missing.stderr).to.contain('REST_DESK_TOKEN')
    const shown = await fresh.run(['jobs', 'show', 'rest_ingest_desk', ...file], {REST_DESK_TOKEN: key})
    expect(shown.code, shown.stderr).to.equal(0)
    expect(shown.stdout).to.contain('/tickets').and.not.to.contain(key)
  })

  it('never show the key, whatever the service answers', async () => {
    const shown = await project.run(['jobs', 'show', 'tickets'], {DESK_KEY: key})
    expect(shown.stdout).to.contain('***').and.not.to.contain(key)
    const {code, stdout, stderr} = await project.run(
      ['run', 'tickets', '--dry-run', '--since', '-1d', '--log-level', 'debug'],
      {
        DESK_KEY: 'another-key',
      },
    )
    expect(code).to.equal(1)
    expect(stdout + stderr)
      .to.contain('401')
      .and.not.to.contain('another-key')
  })
})
