import {expect} from 'chai'
import {stub} from 'sinon'

import {createHttpClient, type HttpClientOptions, type HttpProgress} from '../../../src/sources/http/http-client.ts'
import {AccountTraffic} from '../../../src/sources/http/account-traffic.ts'
import type {HttpClient} from '../../../src/source.ts'
import {startFaultProxy, type FaultProxy} from '../../support/fault-proxy.ts'
import {patientClock} from '../../support/patient-clock.ts'
import {silentLog} from '../../support/scripted-run.ts'

describe('the traffic of an account', () => {
  let server: FaultProxy
  let clock: ReturnType<typeof patientClock>
  let traffic: AccountTraffic
  const {signal} = new AbortController()

  beforeEach(async () => {
    server = await startFaultProxy()
    clock = patientClock()
    traffic = new AccountTraffic(clock)
  })
  afterEach(async () => {
    await server.close()
  })

  const client = (options: Partial<HttpClientOptions> = {}): HttpClient =>
    createHttpClient({signal, log: silentLog, traffic, backoffMs: 0, ...options})
  const data = () => ({url: `${server.url}/data`})
  const waited = (): number => clock.waits.reduce((sum, wait) => sum + wait, 0)

  it('is held by a pause that another job of the account met', async () => {
    await server.rules.forGet('/data').once().thenReply(429, '', {'retry-after': '700'})
    await server.rules.forGet('/data').thenJson(200, {})
    await client({budgetMs: 600_000})
      .request(data())
      .catch(() => undefined)
    expect(clock.waits).to.deep.equal([])
    await client({budgetMs: 900_000}).request(data())
    expect(clock.waits).to.deep.equal([700_000])
  })

  it('is not held by a pause of another account', async () => {
    await server.rules.forGet('/data').once().thenReply(429, '', {'retry-after': '700'})
    await server.rules.forGet('/data').thenJson(200, {})
    await client()
      .request(data())
      .catch(() => undefined)
    await client({traffic: new AccountTraffic(clock)}).request(data())
    expect(clock.waits).to.deep.equal([])
  })

  describe('with a rate limit', () => {
    it('uses all that the limit allows, and never more than a tenth of a minute at once', async () => {
      await server.rules.forGet('/data').thenJson(200, {})
      traffic.limitTo(6000)
      const http = client()
      const sent: number[] = []
      for (let call = 0; call < 900; call += 1) {
        await http.request({...data(), units: 20})
        sent.push(clock.now())
      }
      const minutes = waited() / 60_000
      expect((900 * 20) / (minutes * 6000)).to.be.within(1, 1.04)
      const busiest = Math.max(...sent.map((from) => sent.filter((at) => at >= from && at < from + 60_000).length))
      expect(busiest * 20).to.be.at.most(6000 * 1.1)
    })

    it('counts every try, and tells how much was used', async () => {
      await server.rules.forGet('/data').times(2).thenReply(503)
      await server.rules.forGet('/data').thenJson(200, {})
      const seen: HttpProgress[] = []
      await client({observe: (update) => seen.push(update)}).request({...data(), units: 20})
      expect(seen).to.deep.equal([{units: 20}, {units: 20}, {units: 20}])
    })

    it('counts what an earlier job of the account used', async () => {
      await server.rules.forGet('/data').thenJson(200, {})
      traffic.limitTo(60)
      for (let call = 0; call < 7; call += 1) await client().request(data())
      expect(clock.waits).to.deep.equal([1000])
    })

    it('does not take waiting for its turn from the time of a request', async () => {
      await server.rules.forGet('/data').thenJson(200, {})
      traffic.limitTo(1)
      const http = client({budgetMs: 1000})
      for (let call = 0; call < 3; call += 1) await http.request(data())
      expect(waited()).to.be.above(100_000)
    })

    it('does not begin with a burst after a pause', async () => {
      await server.rules.forGet('/data').once().thenReply(429, '', {'retry-after': '60'})
      await server.rules.forGet('/data').thenJson(200, {})
      traffic.limitTo(60)
      await client().request(data())
      await client().request(data())
      expect(clock.waits).to.deep.equal([61_000, 1000])
    })
  })

  it('tells when a pause ends', async () => {
    await server.rules.forGet('/data').once().thenReply(429, '', {'retry-after': '60'})
    await server.rules.forGet('/data').thenJson(200, {})
    const seen: HttpProgress[] = []
    await client({observe: (update) => seen.push(update)}).request(data())
    expect(seen).to.deep.include({waitingUntil: new Date('2026-01-01T00:01:00Z')})
  })

  it('waits longer each time that a quota is spent, once for all that were refused together', async () => {
    const random = stub(Math, 'random').returns(1)
    try {
      const now = clock.now()
      expect(traffic.pause(now, undefined, 1000) - clock.now()).to.equal(1000)
      expect(traffic.pause(now, undefined, 1000) - clock.now()).to.equal(1000)
      await clock.wait(1000, signal)
      expect(traffic.pause(clock.now(), undefined, 1000) - clock.now()).to.equal(2000)
      await clock.wait(2000, signal)
      traffic.succeeded(clock.now())
      await clock.wait(1, signal)
      expect(traffic.pause(clock.now(), undefined, 1000) - clock.now()).to.equal(1000)
    } finally {
      random.restore()
    }
  })

  for (const statusCode of [200, 503]) {
    it(`sends no more at once, in all jobs, than an answer ${statusCode} says that the service wants`, async () => {
      let [inFlight, most, wanted] = [0, 0, 2]
      let hint = ''
      let held: (() => void)[] = []
      await server.rules.forGet('/hint').thenCallback(() => ({statusCode, json: {}, headers: {'x-ms-dop-hint': hint}}))
      await server.rules.forGet('/data').thenCallback(async () => {
        inFlight += 1
        most = Math.max(most, inFlight)
        await new Promise<void>((resolve) => {
          held.push(resolve)
          if (held.length < wanted) return
          for (const go of held) go()
          held = []
        })
        await new Promise((resolve) => setTimeout(resolve, 20))
        inFlight -= 1
        return {statusCode: 200, json: {}}
      })
      const jobs = [client(), client()]
      const mostOfEight = async (written: string): Promise<number> => {
        hint = written
        most = 0
        await client({maxTries: 1})
          .request({url: `${server.url}/hint`, concurrencyHeader: 'x-ms-dop-hint'})
          .catch(() => undefined)
        await Promise.all(Array.from({length: 8}, async (_, call) => jobs[call % 2]?.request(data())))
        return most
      }
      for (const written of ['2', '0', '-1', 'many']) expect(await mostOfEight(written), written).to.equal(2)
      wanted = 4
      expect(await mostOfEight('4')).to.equal(4)
    })
  }

  it('sends fewer requests at once where the service says that it is too many', async () => {
    let inFlight = 0
    let refusals = 0
    const refused = Promise.withResolvers<void>()
    const error = {code: 429, message: 'Too many concurrent requests for user'}
    await server.rules.forGet('/data').thenCallback(async () => {
      if (inFlight >= 3) {
        refusals += 1
        refused.resolve()
        return {statusCode: 429, json: {error}}
      }
      inFlight += 1
      await refused.promise
      await new Promise((resolve) => setTimeout(resolve, 5))
      inFlight -= 1
      return {statusCode: 200, json: {rows: 1}}
    })
    const http = client({traffic: new AccountTraffic(), backoffMs: 20})
    let left = 200
    const worker = async (): Promise<void> => {
      for (; left > 0; left -= 1) await http.request(data())
    }
    await Promise.all(Array.from({length: 10}, worker))
    expect(refusals).to.be.within(1, 30)
  })
})
