import {expect} from 'chai'

import {AccountTraffic} from '../../../src/sources/http/account-traffic.ts'
import {temporaryFolder} from '../../../test/support/cli.ts'
import {contacts, sessions} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer, type DataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {patientClock} from '../../../test/support/patient-clock.ts'
import {messageOf} from '../../../test/support/message-of.ts'
import {check} from '../src/check.ts'
import {lastOfEachKey, reading, type ReadingOptions} from './reading.ts'

const now = new Date('2026-03-01T12:00:00Z')
const API = '/api/data/v9.2'
const ROWS = `${API}/contacts`
const ID = '00000000-0000-4000-8000-000000000001'

describe('reading Dataverse with faults in between', () => {
  let entra: EntraServer
  let server: DataverseServer
  let proxy: FaultProxy

  before(async () => {
    entra = await startEntraServer(await temporaryFolder())
    server = await startDataverseServer({
      contacts: contacts(3500, {now}),
      cre92_clientsessions: sessions(300, {now, characters: () => 120_000}),
    })
  })
  after(async () => {
    await server.close()
    await entra.close()
  })
  beforeEach(async () => {
    proxy = await startFaultProxy()
  })
  afterEach(async () => {
    await proxy.close()
  })

  const through = (settings: ReadingOptions = {}) => reading(entra, proxy.url, settings)
  const passOn = async (): Promise<void> => {
    await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
  }
  const answerRows = async (body: object): Promise<void> => {
    await proxy.rules.forGet(ROWS).thenJson(200, body)
    await passOn()
  }
  const askedForRows = (): number => proxy.requests.filter((request) => request === `GET ${ROWS}`).length

  it('loses nothing to a 503, a broken connection and a page of HTML in the middle', async () => {
    const faults = [
      undefined,
      {statusCode: 503},
      'reset',
      {statusCode: 200, headers: {'content-type': 'text/html'}, body: '<html></html>'},
    ] as const
    let asked = 0
    await proxy.rules.forGet(ROWS).thenCallback(async (request) => {
      const fault = asked % 2 === 1 ? faults[(asked + 1) / 2] : undefined
      asked += 1
      return fault ?? passTo(server.url)(request)
    })
    await passOn()
    const run = through()
    await run.all()
    expect(lastOfEachKey(run).size).to.equal(3500)
  })

  it('does not take a page of HTML for an empty table', async () => {
    await proxy.rules.forGet(ROWS).thenReply(200, '<html></html>', {'content-type': 'text/html'})
    await passOn()
    expect(await messageOf(through().all())).to.contain('not a JSON object')
  })

  for (const body of [{}, {value: 'none'}, {value: null}, {error: {}}]) {
    it(`does not take ${JSON.stringify(body)} for an empty table`, async () => {
      await answerRows(body)
      expect(await messageOf(through().all())).to.contain('no list of rows')
    })
  }

  it('does not take the rows before an error for all of them', async () => {
    await answerRows({value: [{contactid: ID}], error: {code: '0x80044151', message: 'Generic SQL error.'}})
    expect(await messageOf(through().all())).to.contain('in the middle of its answer: 0x80044151 Generic SQL error.')
  })

  for (const [what, text, says] of [
    ['ends within a row', `{"value":[{"contactid":"${ID}"},{"contactid":"secret`, 'not a JSON object'],
    ['ends behind a row', `{"value":[{"contactid":"${ID}"}`, 'not a JSON object'],
    ['has an odd row', `{"value":[{"contactid":"${ID}"},{"contactid":secret}]}`, 'a list in the answer is not JSON'],
    ['has two lists', `{"value":[{"contactid":"${ID}"}],"value":[{"contactid":"${ID}"}]}`, 'not a JSON object'],
  ] as const) {
    it(`takes no answer that ${what}, and quotes nothing of it`, async () => {
      await proxy.rules.forGet(ROWS).thenReply(200, text, {'content-type': 'application/json'})
      await passOn()
      const message = await messageOf(through().all())
      expect(message).to.contain(says)
      expect(message).not.to.contain('secret')
    })
  }

  it('waits as long as Dataverse says, and asks nothing meanwhile, in no job of the account', async () => {
    const clock = patientClock()
    const traffic = new AccountTraffic(clock)
    const limited = {error: {code: '0x80072322', message: 'Number of requests exceeded the limit of 6000'}}
    await proxy.rules.forGet(ROWS).once().thenJson(429, limited, {'retry-after': '87'})
    const times: number[] = []
    await proxy.rules.forUnmatchedRequest().thenCallback(async (request) => {
      times.push(clock.now())
      return passTo(server.url)(request)
    })
    const begin = clock.now()
    const run = through({traffic})
    await run.all()
    expect(lastOfEachKey(run).size).to.equal(3500)
    expect(Math.max(...clock.waits)).to.equal(87_000)
    expect(times.filter((time) => time > begin && time < begin + 87_000)).to.deep.equal([])
    expect(traffic.pausedUntil).to.equal(undefined)
  })

  it('sends no more requests at once, in all jobs of the account, than x-ms-dop-hint says', async () => {
    let [inFlight, most] = [0, 0]
    await proxy.rules.forUnmatchedRequest().thenCallback(async (request) => {
      inFlight += 1
      most = Math.max(most, inFlight)
      const answer = await passTo(server.url)(request)
      inFlight -= 1
      return {...answer, headers: {...answer.headers, 'x-ms-dop-hint': '2'}}
    })
    const traffic = new AccountTraffic()
    await check(through({traffic}).context)
    await Promise.all(Array.from({length: 5}, async () => through({traffic}).all()))
    expect(most).to.equal(2)
  })

  it('sends one request at a time, however many x-ms-dop-hint allows', async () => {
    let [inFlight, most] = [0, 0]
    await proxy.rules.forUnmatchedRequest().thenCallback(async (request) => {
      inFlight += 1
      most = Math.max(most, inFlight)
      const answer = await passTo(server.url)(request)
      inFlight -= 1
      return {...answer, headers: {...answer.headers, 'x-ms-dop-hint': '52'}}
    })
    await through().all()
    expect(most).to.equal(1)
  })

  it('asks for the same page size and annotations on each page', async () => {
    const seen = new Set<string>()
    await proxy.rules.forGet(ROWS).thenCallback(async (request) => {
      seen.add(String(request.headers['prefer']))
      return passTo(server.url)(request)
    })
    await passOn()
    await through({options: {page_size: 500, annotations: 'formatted'}}).all()
    expect([...seen]).to.deep.equal([
      'odata.maxpagesize=500,odata.include-annotations="OData.Community.Display.V1.FormattedValue"',
    ])
  })

  it('follows links as they are given, absolute or relative', async () => {
    const asked: string[] = []
    await proxy.rules.forGet(ROWS).thenCallback((request) => {
      asked.push(request.path)
      const page = asked.length
      const links = [
        `${proxy.url}${ROWS}?$skiptoken=%3Ccookie%20a%2Bb=%22x%22/%3E`,
        'contacts?%24skiptoken=2',
        undefined,
      ]
      return {statusCode: 200, json: {value: [{contactid: ID, page}], '@odata.nextLink': links[page - 1]}}
    })
    await passOn()
    expect(await through().all()).to.have.length(3)
    expect(asked.slice(1)).to.deep.equal([`${ROWS}?$skiptoken=%3Ccookie%20a%2Bb=%22x%22/%3E`, `${ROWS}?%24skiptoken=2`])
  })

  it('takes a number in a link for a count of rows only where it is one', async () => {
    const asked: string[] = []
    await proxy.rules.forGet(ROWS).thenCallback((request) => {
      asked.push(request.path)
      const page = asked.length
      const value = [1, 2, 3].map((row) => ({contactid: `${ID.slice(0, -2)}${page}${row}`}))
      return {statusCode: 200, json: {value, ...(page < 3 && {'@odata.nextLink': `contacts?$skiptoken=${page + 1}`})}}
    })
    await passOn()
    expect(await through().all()).to.have.length(9)
    expect(asked.slice(1)).to.deep.equal([`${ROWS}?$skiptoken=2`, `${ROWS}?$skiptoken=3`])
  })

  it('follows links that count rows where the server selects no rows by their key', async () => {
    const ids = Array.from({length: 10}, (_, index) => `${ID.slice(0, -2)}${10 + index}`)
    await proxy.rules.forGet(ROWS).thenCallback((request) => {
      const skip = Number(/skiptoken=(\d+)/.exec(request.path)?.[1] ?? 0)
      const value = ids.slice(skip, skip + 4).map((contactid) => ({contactid}))
      const link = skip + 4 < ids.length ? {'@odata.nextLink': `${proxy.url}${ROWS}?$skiptoken=${skip + 4}`} : {}
      return {statusCode: 200, json: {value, ...link}}
    })
    await passOn()
    expect((await through().all()).map(({contactid}) => contactid)).to.deep.equal(ids)
  })

  it('follows no link to another server', async () => {
    const other = await startFaultProxy()
    try {
      await answerRows({value: [], '@odata.nextLink': `${other.url}${ROWS}?$skiptoken=1`})
      expect(await messageOf(through().all())).to.contain(`a link to ${other.url}, which is not ${proxy.url}`)
      expect(other.requests).to.deep.equal([])
    } finally {
      await other.close()
    }
  })

  it('follows no links in circles', async () => {
    let page = 0
    await proxy.rules.forGet(ROWS).thenCallback(() => {
      page += 1
      return {statusCode: 200, json: {value: [], '@odata.nextLink': `contacts?$skiptoken=${page % 7}`}}
    })
    await passOn()
    expect(await messageOf(through().all())).to.contain('the same page twice')
    expect(page).to.be.below(30)
  })

  it('keeps the digits of large integers and of decimals', async () => {
    const row = `{"contactid":"${ID}","versionnumber":9223372036854775807,"rate":0.12345678901234567890,"@odata.etag":"W/\\"1\\""}`
    await proxy.rules
      .forGet(ROWS)
      .thenReply(200, `{"value":[${row}]}`, {'content-type': 'application/json; odata.metadata=minimal'})
    await passOn()
    expect(JSON.stringify((await through().all())[0])).to.equal(row)
  })

  describe('halves', () => {
    it('the window where an answer is larger than it may be, and has every row', async () => {
      const run = reading(entra, server.url, {options: {entity: 'cre92_clientsession'}})
      await run.all()
      expect(lastOfEachKey(run).size).to.equal(300)
      expect(Math.max(...run.pages)).to.be.below(300)
      expect(run.logged.join()).to.contain('reading half the time')
    })

    it('the window where Dataverse refuses for the size of the answer', async () => {
      const day = 86_400_000
      await proxy.rules.forGet(ROWS).thenCallback(async (request) => {
        const [since = Number.NaN, until = Number.NaN] = [...request.path.matchAll(/(?:ge|lt)%20([\dTZ.%A-]+Z)/g)].map(
          (match) => Date.parse(decodeURIComponent(match[1] ?? '')),
        )
        if (until - since <= 10 * day || request.path.includes('skiptoken')) return passTo(server.url)(request)
        return {statusCode: 500, json: {error: {code: '0x80040216', message: 'An unexpected error occurred.'}}}
      })
      await passOn()
      const window = {since: new Date(now.getTime() - 90 * day), until: now}
      const run = through({window})
      await run.all()
      const expected = contacts(3500, {now}).filter(({modifiedon}) => Date.parse(modifiedon) >= window.since.getTime())
      expect(lastOfEachKey(run).size).to.equal(expected.length)
      // Each of the windows that are halved is asked for four times.
      expect(askedForRows()).to.equal(4 * (1 + 2 + 4 + 8) + 16)
    })

    it('the page where the rows share one time, or the table is read whole', async () => {
      await proxy.rules.forGet(ROWS).thenCallback(async (request) => {
        const size = Number(/maxpagesize=(\d+)/.exec(String(request.headers['prefer']))?.[1])
        return size <= 100 ? passTo(server.url)(request) : {statusCode: 413}
      })
      await passOn()
      const window = {since: new Date(now.getTime() - 1000), until: now}
      for (const settings of [{window}, {options: {full: true}}]) {
        const run = through(settings)
        await run.all()
        expect(run.logged.join()).to.contain('reading smaller pages')
      }
    })

    it('nothing where Dataverse is but failing over to another server', async () => {
      const unexpected = {error: {code: '0x80040216', message: 'An unexpected error occurred.'}}
      await proxy.rules.forGet(ROWS).times(3).thenJson(500, unexpected)
      await passOn()
      const run = through()
      await run.all()
      expect(lastOfEachKey(run).size).to.equal(3500)
      expect(run.logged.join()).not.to.contain('too large')
    })

    it('and blames no row where Dataverse goes on failing', async () => {
      const unexpected = {error: {code: '0x80040216', message: 'An unexpected error occurred.'}}
      await proxy.rules.forGet(ROWS).thenJson(400, unexpected)
      await passOn()
      const message = await messageOf(through({options: {full: true}}).all())
      expect(message).to.contain('unexpected error').and.to.contain('again later').and.not.to.contain('is more than')
    })

    it('nothing any more where a single row is too large', async () => {
      await proxy.rules.forGet(ROWS).thenReply(413)
      await passOn()
      expect(await messageOf(through({options: {full: true}}).all())).to.contain('leave a column out with select')
    })
  })

  describe('says what to do where Dataverse answers', () => {
    const refusal = async (status: number, code: string, message: string): Promise<string> => {
      await proxy.rules.forGet(ROWS).thenJson(status, {error: {code, message}})
      await passOn()
      return messageOf(through().all())
    }

    it('that a privilege is missing', async () => {
      const message = 'Principal user (Id=1, type=8) is missing prvReadContact privilege (Id=2) on OTC=2'
      expect(await refusal(403, '0x80040220', message)).to.contain(
        'the application user lacks the privilege prvReadContact',
      )
    })

    it('that there is no such user', async () => {
      expect(await refusal(403, '0x80072560', 'The user is not a member of the organization.')).to.contain(
        'Add it as an application user',
      )
      expect(await refusal(401, '', '')).to.contain('Add it as an application user')
    })

    it('that it is too busy', async () => {
      expect(await refusal(503, '', '')).to.contain('Run the same command again later')
    })

    it('as no Dataverse would', async () => {
      await proxy.rules.forUnmatchedRequest().thenReply(404, '<html></html>', {'content-type': 'text/html'})
      expect(await messageOf(through().all())).to.contain('there is no such address')
      proxy.rules.reset()
      await proxy.rules.forUnmatchedRequest().thenJson(404, {message: 'no route'})
      expect(await messageOf(through().all())).to.contain('check that url is a Dataverse environment')
    })

    it('that its clock is behind', async () => {
      const date = new Date(Date.now() - 3_600_000).toUTCString()
      await proxy.rules.forGet(ROWS).thenJson(200, {value: []}, {date})
      await passOn()
      expect(await messageOf(through().all())).to.match(/clock of this machine is 3[56]\d\d s ahead/)
    })
  })

  it('stops when the run is aborted', async () => {
    const stop = new AbortController()
    await proxy.rules.forGet(ROWS).thenTimeout()
    await passOn()
    await proxy.rules.on('request-initiated', ({url}) => {
      if (url.includes('/contacts')) stop.abort(new Error('stopped by the user'))
    })
    expect(await messageOf(through({signal: stop.signal}).all())).to.equal('stopped by the user')
  })

  it('knows whose data it is', async () => {
    expect(await check(reading(entra, server.url).context)).to.deep.equal({identity: server.organizationId})
    await proxy.rules.forGet(`${API}/WhoAmI`).thenJson(200, {})
    expect(await messageOf(check(through().context))).to.contain('check that url is a Dataverse environment')
  })
})
