import {readFileSync} from 'node:fs'
import {createServer, type IncomingMessage} from 'node:http'
import type {AddressInfo} from 'node:net'
import {resolve} from 'node:path'

import {expect} from 'chai'

import {parseExactly} from '../src/base/exact-json.ts'
import {createMask} from '../src/base/mask.ts'
import {CLOCK_TOLERANCE} from '../src/model/clock.ts'
import type {JsonObject, JsonValue, Source} from '../src/source.ts'
import {createHttpClient} from '../src/sources/http/http-client.ts'
import {compiledSources} from './support/compiled-sources.ts'
import {events, query} from './support/database.ts'
import {folderForEachTest} from './support/folder.ts'
import {databaseIn, scriptedRun, silentLog, type ScriptedRun} from './support/scripted-run.ts'

const guide = readFileSync(resolve(import.meta.dirname, '../docs/write-a-source.md'), 'utf8')
const {rawJSON} = JSON as unknown as {rawJSON: (text: string) => JsonValue}
const NOW = Date.parse('2026-03-01T00:00:00Z')

/** What a service answers at an address: a document, or an error status. */
type Service = (address: URL) => JsonObject | number

describe('the sources of docs/write-a-source.md', () => {
  const folder = folderForEachTest()
  let sources: readonly Source[]
  let service: Service
  const asked: string[] = []
  const server = createServer((request: IncomingMessage, response) => {
    asked.push(`${request.url}`)
    const answer = service(new URL(request.url ?? '', 'http://service'))
    response.writeHead(typeof answer === 'number' ? answer : 200, {'content-type': 'application/json'})
    response.end(JSON.stringify(typeof answer === 'number' ? {} : answer))
  })

  const run = async (name: string, more: Partial<ScriptedRun> = {}) => {
    const source = sources.find((each) => each.name === name)
    if (source === undefined) throw new Error(`the guide has no source ${name}`)
    asked.length = 0
    const {port} = server.address() as AddressInfo
    const http = createHttpClient({signal: new AbortController().signal, log: silentLog, mask: createMask()})
    const options = {url: `http://127.0.0.1:${port}`, token: 'token-of-the-test'}
    const {error, ...report} = await scriptedRun({source, folder: folder(), now: NOW, options, http, ...more})
    if (error !== undefined) throw error as Error
    return report
  }
  const storedIds = async (): Promise<readonly unknown[]> =>
    (await query(databaseIn(folder()), 'SELECT external_id FROM raw_objects ORDER BY 1')).map(
      (row) => row['external_id'],
    )

  before(async () => {
    const blocks = [...guide.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] ?? '')
    sources = await compiledSources(blocks)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  })
  after(async () => {
    await new Promise((closed) => server.close(closed))
  })

  it('are five, and each is named once', () => {
    expect(sources.map(({name}) => name)).to.deep.equal(['notes', 'orders', 'price-list', 'address-book', 'helpdesk'])
  })

  it('key ids of any length', () => {
    const [notes] = sources
    const stream = {objectType: 'note', sourceSystem: 'notes'}
    const keyOf = (json: string): string | undefined => notes?.idemKey(parseExactly(json) as JsonObject, stream)
    expect(keyOf('{"id": "n1"}')).to.equal('note:notes:n1')
    expect(keyOf('{"id": 12345678901234567}')).to.equal('note:notes:12345678901234567')
    expect(keyOf('{"id": 98765432109876543210}')).to.equal('note:notes:98765432109876543210')
    expect(() => keyOf('{}')).to.throw('the note has no id')
  })

  it('read a paged API by windows, and go on where the last run ended', async () => {
    service = ({searchParams}) =>
      searchParams.has('page') ? {orders: [{id: 'b'}]} : {orders: [{id: 'a'}], next_page: '2'}
    expect((await run('orders')).counts).to.include({extracted: 2, inserted: 2})
    expect(await storedIds()).to.deep.equal(['a', 'b'])
    await run('orders', {now: NOW + 3_600_000})
    expect(asked[0]).to.include(
      `updated_from=${encodeURIComponent(new Date(NOW - 3_600_000 - CLOCK_TOLERANCE).toISOString())}`,
    )
  })

  it('read records without time whole, in every run', async () => {
    const all = Array.from({length: 501}, (_, number) => ({number}))
    service = ({searchParams}) => {
      const offset = Number(searchParams.get('offset'))
      return {articles: all.slice(offset, offset + Number(searchParams.get('limit')))}
    }
    expect((await run('price-list')).counts).to.include({inserted: 501})
    expect((await run('price-list', {now: NOW + 1000})).counts).to.include({
      extracted: 501,
      inserted: 0,
      unchanged: 501,
    })
  })

  it('make keys of numbers of any length, with all their digits', async () => {
    const long = ['12345678901234567', '98765432109876543210', '7']
    service = () => ({articles: long.map((number) => ({number: rawJSON(number)}))})
    expect((await run('price-list')).counts).to.include({inserted: 3, rejected: 0})
    expect(await storedIds()).to.deep.equal(long.toSorted())
  })

  describe('that follow a change feed', () => {
    beforeEach(async () => {
      service = ({pathname}) =>
        pathname === '/changes/position' ? {position: 7} : {contacts: [{id: 'ann'}, {id: 'bob'}]}
      await run('address-book')
    })

    it('read what changed since the first run, deletions too', async () => {
      expect(await storedIds()).to.deep.equal(['ann', 'bob'])
      service = ({pathname, searchParams}) => {
        if (pathname === '/changes/position') return {position: 9}
        return searchParams.get('since') === '7'
          ? {contacts: [{id: 'eve'}], deleted: ['ann'], position: 9}
          : {position: 9}
      }
      expect((await run('address-book', {now: NOW + 1000})).counts).to.include({inserted: 1, deleted: 1})
      const deletions = await events(databaseIn(folder()), 'object.deleted')
      expect(deletions.map((event) => event['idem_key'])).to.deep.equal(['contact:scripted--acct1:ann'])
      await run('address-book', {now: NOW + 2000})
      expect(asked).to.include('/changes?since=9')
    })

    it('read everything again where the service has forgotten the changes', async () => {
      service = ({pathname}) => {
        if (pathname === '/changes') return 410
        return pathname === '/contacts' ? {contacts: [{id: 'ann'}, {id: 'eve'}]} : {position: 9}
      }
      expect((await run('address-book', {now: NOW + 1000})).counts).to.include({
        extracted: 2,
        inserted: 1,
        unchanged: 1,
      })
    })
  })

  it('fetch of two object types what is not stored yet, and account for all of it', async () => {
    service = ({pathname}) => {
      if (pathname.endsWith('s')) return {ids: ['1', '2', '3']}
      if (pathname.endsWith('/2')) return pathname.startsWith('/calls') ? 404 : 422
      return {id: pathname.split('/').at(-1) ?? ''}
    }
    const request = {since: NOW - 86_400_000}
    expect((await run('helpdesk', {request})).counts).to.include({listed: 6, inserted: 4, gone: 1, rejected: 1})
    const again = await run('helpdesk', {request, now: NOW + 1000})
    expect(again.counts).to.include({listed: 6, known: 4, gone: 1, rejected: 1, extracted: 0})
    expect(asked.filter((address) => /\/[13]$/.test(address))).to.deep.equal([])
  })

  it('find by its key what turned up with a time before all windows that are due', async () => {
    let ids = ['1', '2']
    service = ({pathname, searchParams}) => {
      const isNewer = Date.parse(searchParams.get('since') ?? '') > NOW - 86_400_000
      if (pathname.endsWith('s')) return {ids: isNewer ? [] : ids}
      return {id: pathname.split('/').at(-1) ?? ''}
    }
    const more = {start: NOW - 30 * 86_400_000, sweep: 86_400_000}
    expect((await run('helpdesk', more)).swept).to.deep.equal({listed: 4, unknown: 0})
    ids = ['1', '2', 'late']
    const {swept, counts} = await run('helpdesk', {...more, now: NOW + 2 * 86_400_000})
    expect(swept).to.deep.equal({listed: 6, unknown: 2})
    expect(counts).to.include({inserted: 2})
  })
})
