import dns from 'node:dns'
import {getEventListeners} from 'node:events'
import {PassThrough} from 'node:stream'
import {inspect} from 'node:util'
import {gzipSync} from 'node:zlib'

import {expect} from 'chai'
import {generateCACertificate} from 'mockttp'
import {stub} from 'sinon'
import {Agent} from 'undici'

import {createHttpClient, type HttpClientOptions} from '../../../src/sources/http/http-client.ts'
import {AccountTraffic} from '../../../src/sources/http/account-traffic.ts'
import {HttpError} from '../../../src/sources/http/http-error.ts'
import {createMask} from '../../../src/base/mask.ts'
import type {HttpClient, HttpRequest, Logger} from '../../../src/source.ts'
import {startFaultProxy, type FaultProxy} from '../../support/fault-proxy.ts'
import {patientClock} from '../../support/patient-clock.ts'

/** `requests` are what is logged of each of them, at the level `debug`. */
function recordingLog(): Logger & {readonly lines: string[]; readonly requests: string[]} {
  const lines: string[] = []
  const requests: string[] = []
  const debug: Logger['debug'] = (message, fields) => {
    requests.push(`${message} ${JSON.stringify(fields)}`)
  }
  const record = (message: string, fields?: object): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`)
  }
  return {lines, requests, debug, info: record, warn: record, error: record}
}

async function errorOf(promise: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).to.be.instanceOf(HttpError)
  return error as HttpError
}

/** Milliseconds that no answer takes, unless it never comes. */
const SILENCE = 1000
const PARTS = 12

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

describe('HTTP for sources', () => {
  let server: FaultProxy
  let clock: ReturnType<typeof patientClock>
  let log: ReturnType<typeof recordingLog>
  let run: AbortController

  beforeEach(async () => {
    server = await startFaultProxy()
    clock = patientClock()
    log = recordingLog()
    run = new AbortController()
  })
  afterEach(async () => {
    await server.close()
  })

  const client = (options: Partial<HttpClientOptions> = {}): HttpClient =>
    createHttpClient({signal: run.signal, log, traffic: new AccountTraffic(clock), ...options})
  const get = (path: string, request: Partial<HttpRequest> = {}) => ({url: `${server.url}${path}`, ...request})

  it('may wait for a fraction of a millisecond, as a rate limit makes it', async () => {
    await server.rules.forGet('/data').thenJson(200, {})
    const traffic = new AccountTraffic()
    traffic.limitTo(60_001)
    // A tenth of a minute's units are saved up at the start.
    const {status} = await client({traffic}).request(get('/data', {units: 6003}))
    expect(status).to.equal(200)
  })

  describe('tries again', () => {
    for (const status of [408, 429, 500, 502, 503, 504]) {
      it(`after a ${status}`, async () => {
        await server.rules
          .forGet('/data')
          .once()
          .thenJson(status, {error: {message: 'not now'}})
        await server.rules.forGet('/data').thenJson(200, {rows: 1})
        const answer = await client().request(get('/data'))
        expect(answer.body).to.deep.equal({rows: 1})
        expect(clock.waits).to.have.length(1)
      })
    }

    it('after a connection that is reset or closed', async () => {
      await server.rules.forGet('/data').once().thenResetConnection()
      await server.rules.forGet('/data').once().thenCloseConnection()
      await server.rules.forGet('/data').thenJson(200, {rows: 1})
      expect((await client().request(get('/data'))).body).to.deep.equal({rows: 1})
      expect(server.requests).to.have.length(3)
    })

    it('after an answer that breaks off in the middle', async () => {
      const half = new PassThrough()
      half.write('{"rows":')
      await server.rules.forGet('/data').once().thenStream(200, half, {'content-length': '100'})
      await server.rules.forGet('/data').thenJson(200, {rows: 1})
      await server.rules.on('response-initiated', () => {
        half.destroy(new Error('broken off'))
      })
      expect((await client().request(get('/data'))).body).to.deep.equal({rows: 1})
      expect(server.requests).to.have.length(2)
    })

    it('after a compressed answer that is damaged on the way', async () => {
      const damaged = gzipSync('{"rows": 1}').fill(0xff, 12, 20)
      await server.rules.forGet('/data').once().thenReply(200, damaged, {'content-encoding': 'gzip'})
      await server.rules.forGet('/data').thenJson(200, {rows: 1})
      expect((await client().request(get('/data'))).body).to.deep.equal({rows: 1})
    })

    it('where a name that was known a while ago is not found', async () => {
      await server.rules.forGet('/data').thenJson(200, {rows: 1}, {connection: 'close'})
      const url = `${server.url.replace('127.0.0.1', 'localhost')}/data`
      await client().request({url})
      const lookup = stub(dns, 'lookup')
      for (const [call, code] of ['ENOTFOUND', 'EAI_FAIL', 'EAI_NODATA', 'EAI_AGAIN'].entries())
        lookup.onCall(call).callsArgWith(2, Object.assign(new Error(`getaddrinfo ${code} localhost`), {code}))
      lookup.callThrough()
      try {
        expect((await client().request({url})).body).to.deep.equal({rows: 1})
      } finally {
        lookup.restore()
      }
      expect(log.lines).to.have.length(4)
      expect(log.lines[0]).to.contain('no host of the name localhost was found (ENOTFOUND); it was known before')
    })

    it('after a server that does not answer in time', async () => {
      await server.rules.forGet('/data').once().thenTimeout()
      await server.rules.forGet('/data').thenJson(200, {rows: 1})
      expect((await client().request(get('/data', {timeout: SILENCE}))).body).to.deep.equal({rows: 1})
      expect(log.lines.join()).to.contain(`silent for ${SILENCE} ms`)
    })

    it('after a server that falls silent in the middle, but not after one that is merely slow', async () => {
      const [slow, dead] = [new PassThrough(), new PassThrough()]
      dead.write('{"rows":')
      await server.rules.forGet('/data').once().thenStream(200, dead)
      await server.rules.forGet('/data').thenStream(200, slow)
      let answers = 0
      await server.rules.on('response-initiated', () => {
        answers += 1
        if (answers < 2) return
        let parts = 0
        const timer = setInterval(
          () => {
            parts += 1
            slow.write(' ')
            if (parts < PARTS) return
            clearInterval(timer)
            slow.end('{"rows": 1}')
          },
          (1.5 * SILENCE) / PARTS,
        )
      })
      expect((await client().request(get('/data', {timeout: SILENCE}))).body).to.deep.equal({rows: 1})
      expect(answers).to.equal(2)
    })

    it('where only the source can tell that it is worth it', async () => {
      await server.rules
        .forGet('/data')
        .once()
        .thenJson(403, {error: {errors: [{reason: 'rateLimitExceeded'}]}})
      await server.rules.forGet('/data').thenJson(200, {rows: 1})
      const answer = await client().request(get('/data', {retryable: ({status}) => status === 403}))
      expect(answer.body).to.deep.equal({rows: 1})
    })

    it('with the form of a token call, but not with any other POST', async () => {
      await server.rules.forPost('/token').once().thenReply(503)
      await server.rules.forPost('/token').thenJson(200, {access_token: 'fresh'})
      await server.rules.forPost('/change').thenReply(503)
      await client().request(get('/token', {form: {grant_type: 'refresh_token'}}))
      const error = await errorOf(client().request(get('/change', {json: {name: 'Ada'}})))
      expect(error.status).to.equal(503)
      expect(server.requests).to.deep.equal(['POST /token', 'POST /token', 'POST /change'])
    })

    it('with a POST of JSON that the source says may be repeated, and with no form of which it says the opposite', async () => {
      await server.rules.forPost('/search').once().thenReply(503)
      await server.rules.forPost('/search').thenJson(200, {rows: 1})
      await server.rules.forPost('/form').thenReply(503)
      const search = get('/search', {json: {query: 'Ada'}, repeatable: true})
      expect((await client().request(search)).body).to.deep.equal({rows: 1})
      await errorOf(client().request(get('/form', {form: {a: 'b'}, repeatable: false})))
      expect(server.requests).to.deep.equal(['POST /search', 'POST /search', 'POST /form'])
    })

    it('eight times at most, waiting up to twice as long each time', async () => {
      await server.rules.forGet('/data').thenReply(503)
      const random = stub(Math, 'random').returns(1)
      try {
        const error = await errorOf(client().request(get('/data')))
        expect(error.message).to.equal(`GET ${server.url}/data: answered 503; gave up after 8 tries`)
      } finally {
        random.restore()
      }
      expect(clock.waits).to.deep.equal([1000, 2000, 4000, 8000, 16_000, 32_000, 64_000])
    })
  })

  describe('does not try again', () => {
    for (const status of [400, 403, 404, 501]) {
      it(`after a ${status}`, async () => {
        await server.rules.forGet('/data').thenJson(status, {})
        const error = await errorOf(client().request(get('/data')))
        expect(error.status).to.equal(status)
        expect(server.requests).to.have.length(1)
      })
    }

    it('where the source knows that it is not worth it', async () => {
      await server.rules.forGet('/data').thenJson(429, {error: {errors: [{reason: 'dailyLimitExceeded'}]}})
      await errorOf(client().request(get('/data', {retryable: () => false})))
      expect(server.requests).to.have.length(1)
    })

    it('with a status that the source makes sense of itself', async () => {
      await server.rules.forGet('/data').thenJson(404, {error: 'gone'})
      const answer = await client().request(get('/data', {allow: [404]}))
      expect(answer).to.deep.include({status: 404, body: {error: 'gone'}})
    })
  })

  describe('waits as long as the server asks', () => {
    it('in seconds', async () => {
      await server.rules.forGet('/data').once().thenReply(429, '', {'retry-after': '7'})
      await server.rules.forGet('/data').thenJson(200, {})
      await client({backoffMs: 0}).request(get('/data'))
      expect(clock.waits).to.deep.equal([7000])
    })

    it('until a date, by the clock of the server', async () => {
      const headers = {date: 'Mon, 05 Jan 2026 10:00:00 GMT', 'retry-after': 'Mon, 05 Jan 2026 10:00:09 GMT'}
      await server.rules.forGet('/data').once().thenReply(503, '', headers)
      await server.rules.forGet('/data').thenJson(200, {})
      await client({backoffMs: 0}).request(get('/data'))
      expect(clock.waits).to.deep.equal([9000])
    })

    it("until a time in Google's text, by the clock of the server", async () => {
      const message = 'User-rate limit exceeded.  Retry after 2026-01-05T10:00:12.500Z'
      await server.rules
        .forGet('/data')
        .once()
        .thenJson(429, {error: {message}}, {date: 'Mon, 05 Jan 2026 10:00:00 GMT'})
      await server.rules.forGet('/data').thenJson(200, {})
      await client({backoffMs: 0}).request(get('/data'))
      expect(clock.waits).to.deep.equal([12_500])
    })

    it('with all requests of the account', async () => {
      await server.rules.forGet('/first').once().thenReply(429, '', {'retry-after': '30'})
      await server.rules.forAnyRequest().thenJson(200, {})
      const held: (() => void)[] = []
      let time = 0
      const wait = async (milliseconds: number): Promise<void> => {
        await new Promise<void>((resolve) => held.push(resolve))
        time = Math.max(time, milliseconds)
      }
      const http = client({traffic: new AccountTraffic({now: () => time, wait}), backoffMs: 0})
      const first = http.request(get('/first'))
      while (held.length < 1) await new Promise(setImmediate)
      const second = http.request(get('/second'))
      while (held.length < 2) await new Promise(setImmediate)
      expect(server.requests).to.deep.equal(['GET /first'])
      for (const release of held) release()
      await Promise.all([first, second])
      expect(server.requests).to.have.members(['GET /first', 'GET /first', 'GET /second'])
    })

    it('for a quota as often as it takes', async () => {
      await server.rules.forGet('/data').times(15).thenReply(429)
      await server.rules.forGet('/data').thenJson(200, {rows: 1})
      expect((await client().request(get('/data'))).body).to.deep.equal({rows: 1})
    })

    it('but not beyond what one request may take in all', async () => {
      await server.rules.forGet('/data').thenReply(429, '', {'retry-after': '601'})
      const error = await errorOf(client().request(get('/data')))
      expect(error.message).to.contain('answered 429; gave up, because the next try is at 2026-01-01T00:10:01.000Z')
      expect(clock.waits).to.deep.equal([])
    })

    it('nor where nobody asked for the wait', async () => {
      await server.rules.forGet('/data').thenReply(503)
      const random = stub(Math, 'random').returns(1)
      try {
        const error = await errorOf(client({budgetMs: 2500}).request(get('/data')))
        expect(error.message).to.contain('answered 503; gave up, because the next try is at 2026-01-01T00:00:03.000Z')
      } finally {
        random.restore()
      }
      expect(clock.waits).to.deep.equal([1000])
    })

    it('and counts all waits of a request together', async () => {
      await server.rules.forGet('/data').thenReply(503, '', {'retry-after': '250'})
      const error = await errorOf(client({backoffMs: 0}).request(get('/data')))
      expect(error.message).to.contain('may take 600 s in all')
      expect(clock.waits).to.deep.equal([250_000, 250_000])
    })
  })

  describe('never takes for data', () => {
    it('a page of HTML with status 200', async () => {
      await server.rules.forGet('/data').thenReply(200, '<html>Sign in</html>', {'content-type': 'text/html'})
      const error = await errorOf(client().request(get('/data')))
      expect(error.message).to.equal(
        `GET ${server.url}/data: answered 200 with text/html, which is not a JSON object; gave up after 3 tries`,
      )
    })

    it('a page of HTML that a busy server shows once', async () => {
      await server.rules.forGet('/data').once().thenReply(200, '<html>Wait</html>', {'content-type': 'text/html'})
      await server.rules.forGet('/data').thenJson(200, {rows: 1})
      expect((await client().request(get('/data'))).body).to.deep.equal({rows: 1})
    })

    for (const body of ['', 'null', '"text"', '{"rows": ', Buffer.from([0x7b, 0xff, 0x7d])]) {
      it(`the body ${inspect(body)}`, async () => {
        await server.rules.forGet('/data').thenReply(200, body, {'content-type': 'application/json'})
        const error = await errorOf(client().request(get('/data')))
        expect(error.message).to.contain('is not a JSON object')
      })
    }

    it('a page of HTML with a status that the source expects', async () => {
      await server.rules.forGet('/data').thenReply(404, '<html>', {'content-type': 'text/html'})
      const error = await errorOf(client().request(get('/data', {allow: [404]})))
      expect(error.status).to.equal(404)
    })

    it('a body larger than allowed, also when it is sent compressed', async () => {
      const bomb = gzipSync(JSON.stringify({rows: 'x'.repeat(200_000)}))
      await server.rules.forGet('/data').thenReply(200, bomb, {'content-encoding': 'gzip'})
      const error = await errorOf(client().request(get('/data', {maxBytes: 100_000})))
      expect(error.message).to.contain('answered 200 with more than 100000 bytes')
      expect(error.tooLarge).to.equal(true)
      expect(server.requests).to.have.length(1)
    })

    it('a redirect, which is not followed', async () => {
      await server.rules.forGet('/data').thenReply(302, '', {location: `${server.url}/elsewhere`})
      const error = await errorOf(client().request(get('/data', {allow: [302]})))
      expect(error.message).to.contain('answered 302, a redirect')
      expect(server.requests).to.deep.equal(['GET /data'])
    })
  })

  describe('contacts nobody', () => {
    for (const url of [
      'http://example.com/',
      'http://127.0.0.1.example.com/',
      'http://localhost.example.com/',
      'http://10.0.0.1/',
      'http://[::2]/',
      'file:///etc/hostname',
      'data:application/json,{}',
      'https://ada:password@example.com/',
      'gmail.googleapis.com',
    ]) {
      it(`for ${url}`, async () => {
        const dispatch = stub(Agent.prototype, 'dispatch').throws(new Error('contacted'))
        try {
          const error = await errorOf(client().request({url, authorization: () => Promise.resolve('Bearer token')}))
          expect(error.message).not.to.contain('password@')
          expect(dispatch.called).to.equal(false)
        } finally {
          dispatch.restore()
        }
      })
    }

    it('after the run was aborted', async () => {
      run.abort(new Error('stopped'))
      const error: unknown = await client()
        .request(get('/data'))
        .catch((reason: unknown) => reason)
      expect(error).to.equal(run.signal.reason)
      expect(server.requests).to.deep.equal([])
    })
  })

  it('reads plain http from this machine', async () => {
    await server.rules.forGet('/data').thenJson(200, {})
    const {port} = new URL(server.url)
    expect((await client().request({url: `http://127.0.0.1:${port}/data`})).status).to.equal(200)
    expect((await client().request({url: `http://localhost:${port}/data`})).status).to.equal(200)
  })

  it('ends a wait at once when the run is aborted, and leaves nothing behind', async () => {
    await server.rules.forGet('/data').thenReply(429, '', {'retry-after': '60'})
    const before = timers()
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    const http = createHttpClient({
      signal: run.signal,
      log: {
        ...log,
        warn: () => {
          setImmediate(() => {
            run.abort(new Error('stopped'))
          })
        },
      },
    })
    const waiting = await Promise.allSettled(Array.from({length: 12}, () => http.request(get('/data'))))
    for (const {status, reason} of waiting as PromiseRejectedResult[])
      expect([status, reason]).to.deep.equal(['rejected', run.signal.reason])
    expect(getEventListeners(run.signal, 'abort')).to.have.length(0)
    expect(timers()).to.equal(before)
    await new Promise(setImmediate)
    process.off('warning', note)
    expect(warnings).to.deep.equal([])
  })

  it('ends a request that is under way when the run is aborted', async () => {
    await server.rules.forGet('/data').thenTimeout()
    await server.rules.on('request-initiated', () => {
      run.abort(new Error('stopped'))
    })
    const error: unknown = await client()
      .request(get('/data'))
      .catch((reason: unknown) => reason)
    expect(error).to.equal(run.signal.reason)
  })

  it('ends one request alone when its own signal says so', async () => {
    await server.rules.forGet('/slow').thenTimeout()
    await server.rules.forGet('/data').thenJson(200, {rows: 1})
    const own = new AbortController()
    await server.rules.on('request-initiated', ({path}) => {
      if (path === '/slow') own.abort(new Error('no longer wanted'))
    })
    const http = client()
    const slow: unknown = await http
      .request({url: `${server.url}/slow`, signal: own.signal})
      .catch((reason: unknown) => reason)
    expect(slow).to.equal(own.signal.reason)
    expect((await http.request(get('/data'))).body).to.deep.equal({rows: 1})
  })

  describe('authorization', () => {
    it('is asked for anew with each try, and renewed once after a 401', async () => {
      await server.rules.forGet('/data').withHeaders({authorization: 'Bearer old'}).once().thenReply(503)
      await server.rules.forGet('/data').withHeaders({authorization: 'Bearer old'}).thenJson(401, {})
      await server.rules.forGet('/data').withHeaders({authorization: 'Bearer new'}).once().thenReply(503)
      await server.rules.forGet('/data').withHeaders({authorization: 'Bearer new'}).thenJson(200, {rows: 1})
      const asked: boolean[] = []
      let token = 'old'
      const authorization: HttpRequest['authorization'] = ({refused}) => {
        asked.push(refused)
        if (refused) token = 'new'
        return Promise.resolve(`Bearer ${token}`)
      }
      const answer = await client().request(get('/data', {authorization}))
      expect(answer.body).to.deep.equal({rows: 1})
      expect(asked).to.deep.equal([false, false, true, false])
    })

    it('that is refused twice is an error', async () => {
      await server.rules
        .forGet('/data')
        .thenJson(401, {error: {message: 'Invalid Credentials', status: 'UNAUTHENTICATED'}})
      const error = await errorOf(
        client().request(get('/data', {authorization: () => Promise.resolve('Bearer token')})),
      )
      expect(error.message).to.contain('answered 401 UNAUTHENTICATED: Invalid Credentials')
      expect(server.requests).to.have.length(2)
    })

    it('goes to one origin alone, wherever an answer points', async () => {
      const elsewhere = await startFaultProxy()
      try {
        await server.rules.forGet('/data').thenJson(200, {next: `${elsewhere.url}/data`})
        const authorization: HttpRequest['authorization'] = () => Promise.resolve('Bearer token')
        const http = client()
        const {body} = await http.request(get('/data', {authorization}))
        const error = await errorOf(http.request({url: body['next'] as string, authorization}))
        expect(error.message).to.contain(`the credentials of this run are for ${server.url} alone`)
        expect(elsewhere.requests).to.deep.equal([])
      } finally {
        await elsewhere.close()
      }
    })

    for (const name of ['Authorization', 'cookie']) {
      it(`is not taken from the header ${name}`, async () => {
        const error = await errorOf(client().request(get('/data', {headers: {[name]: 'Bearer token'}})))
        expect(error.message).to.contain('credentials must be given as authorization')
        expect(server.requests).to.deep.equal([])
      })
    }

    it('that fails is reported as it is', async () => {
      const problem = new Error('no refresh token')
      const error: unknown = await client()
        .request(get('/data', {authorization: () => Promise.reject(problem)}))
        .catch((reason: unknown) => reason)
      expect(error).to.equal(problem)
      expect(server.requests).to.deep.equal([])
    })
  })

  describe('errors', () => {
    it('name what was asked and what Google or OAuth said', async () => {
      const google = {code: 403, message: 'Limit reached', errors: [{reason: 'dailyLimitExceeded'}], status: 'DENIED'}
      await server.rules.forGet('/google').thenJson(403, {error: google})
      await server.rules
        .forPost('/oauth')
        .thenJson(400, {error: 'invalid_grant', error_description: 'Revoked.\u001B[2J'})
      const first = await errorOf(client().request(get('/google')))
      expect(first.message).to.equal(`GET ${server.url}/google: answered 403 dailyLimitExceeded: Limit reached`)
      expect(first.body).to.deep.equal({error: google})
      const second = await errorOf(client().request(get('/oauth', {form: {grant_type: 'refresh_token'}})))
      expect(second.message).to.equal(`POST ${server.url}/oauth: answered 400 invalid_grant: Revoked. [2J`)
    })

    it('name the cause where nobody answered', async () => {
      const closed = await startFaultProxy()
      await closed.close()
      const error = await errorOf(client().request({url: `${closed.url}/data`}))
      expect(error.message).to.match(/^GET http:.*\/data: connect ECONNREFUSED .*; gave up after 8 tries$/)
      expect(error.status).to.equal(undefined)
    })

    it('and a warning tell of a server that goes on refusing, and not of each try', async () => {
      const warned: string[] = []
      const warn = (message: string): void => void warned.push(message)
      await server.rules.forGet('/data').thenCloseConnection()
      const random = stub(Math, 'random').returns(1)
      try {
        await errorOf(client({log: {...log, warn}}).request(get('/data')))
      } finally {
        random.restore()
      }
      expect(warned.length).to.be.within(2, 3)
      expect(warned[0]).to.match(/^GET http:.*\/data: .*; trying again$/)
    })

    it('say at once that a name was never known', async () => {
      const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND no-such-host.invalid'), {code: 'ENOTFOUND'})
      const lookup = stub(dns, 'lookup').callsArgWith(2, unknown)
      try {
        const {message} = await errorOf(client().request({url: 'https://no-such-host.invalid/data'}))
        expect(message).to.contain('no host of the name no-such-host.invalid was found (ENOTFOUND); check the URLs')
        expect(clock.waits).to.deep.equal([])
      } finally {
        lookup.restore()
      }
    })

    it('say how to trust a server whose authority nobody knows', async () => {
      const https = await generateCACertificate()
      const stranger = await startFaultProxy({https})
      try {
        const error = await errorOf(client().request({url: `${stranger.url}/data`}))
        expect(error.message).to.contain('certificate').and.to.contain('NODE_EXTRA_CA_CERTS')
      } finally {
        await stranger.close()
      }
    })

    it('and the log hold nothing secret', async () => {
      const mask = createMask()
      mask.add('secret-in-form')
      await server.rules.forPost('/data').times(2).thenResetConnection()
      await server.rules.forPost('/data').times(2).thenReply(503, '{"error": "secret-in-form and secret-token"}')
      await server.rules.forPost('/data').thenReply(400, '{"error": "secret-in-form and secret-token"}')
      const request: HttpRequest = {
        url: `${server.url}/data?key=secret-in-url`,
        query: {q: 'secret-in-query'},
        headers: {'x-key': 'secret-in-header'},
        form: {client_secret: 'secret-in-form'},
        authorization: () => Promise.resolve('Bearer secret-token'),
      }
      const {message, stack, cause} = await errorOf(client({mask}).request(request))
      expect(message).to.contain('answered 400')
      const all = [...log.lines, ...log.requests, message, inspect([stack, cause], {depth: 8})].join('\n')
      expect(log.lines).to.have.length(4)
      expect(log.requests).to.have.length(5)
      expect(log.requests.at(-1)).to.match(/^POST http:\S+\/data \{"status":400,"problem":.*"milliseconds":\d+\}$/)
      expect(all).not.to.contain('secret')
    })

    it('hold no token that cannot be sent', async () => {
      const request = get('/data', {authorization: () => Promise.resolve('Bearer secret\ntoken')})
      const error = await errorOf(client().request(request))
      expect(error.message).to.contain('a header holds characters that cannot be sent')
      expect(inspect(error)).not.to.contain('secret')
    })
  })

  it('sends parameters as asked and leaves an address alone that has none', async () => {
    await server.rules.forAnyRequest().thenCallback(({url}) => ({status: 200, json: {url}}))
    const query = {q: 'from:ada & co', labels: ['A', 'B'], page: undefined, size: 5, deep: false}
    const {body} = await client().request(get('/data?fixed=1', {query}))
    expect(body['url']).to.equal(`${server.url}/data?fixed=1&q=from%3Aada+%26+co&labels=A&labels=B&size=5&deep=false`)
    const untouched = `${server.url}/data?$skiptoken=%3ccookie%20a'b%3E`
    expect((await client().request({url: untouched})).body['url']).to.match(/\$skiptoken=%3ccookie%20a(?:'|%27)b%3E$/)
  })
})
