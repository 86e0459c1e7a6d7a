import {createHash} from 'node:crypto'
import {PassThrough} from 'node:stream'

import {expect} from 'chai'
import type {HttpClient} from 'lorchestra'

import {messageWithCauses} from '../../../src/base/errors.ts'
import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import {temporaryFolder} from '../../../test/support/cli.ts'
import {query} from '../../../test/support/database.ts'
import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox, type MailboxMessage} from '../../../test/support/mailbox.ts'
import {databaseIn, scriptedRun, silentLog, type ScriptedResult} from '../../../test/support/scripted-run.ts'
import {options as schema, type Options} from '../src/options.ts'
import source from '../src/source.ts'

const path = '/gmail/v1/users/me/messages'

/** Whole runs into a DuckDB file: whatever goes wrong, each message is stored once, or the run says what to do and the next one goes on. */
describe('a run that reads Gmail', () => {
  const box = mailbox(600, {now: new Date('2026-03-01T12:00:00Z')})
  const visible = box.filter(({labels}) => !labels.includes('SPAM') && !labels.includes('TRASH'))
  let server: GmailServer
  let proxy: FaultProxy
  let folder: string

  before(async () => {
    server = await startGmailServer(box)
  })
  after(async () => {
    await server.close()
  })
  beforeEach(async () => {
    proxy = await startFaultProxy()
    folder = await temporaryFolder()
  })
  afterEach(async () => {
    await proxy.close()
  })

  async function run(options: Partial<Options> = {}, timeout?: number): Promise<ScriptedResult> {
    const {signal} = new AbortController()
    const client = createHttpClient({signal, log: silentLog, backoffMs: 1})
    const http: HttpClient = {
      request: async (request) => client.request({...request, ...(timeout !== undefined && {timeout})}),
    }
    return scriptedRun({
      source,
      options: schema.parse({
        client_id: server.clientId,
        client_secret: server.clientSecret,
        refresh_token: server.refreshToken,
        api_url: proxy.url,
        token_url: `${proxy.url}/oauth2/token`,
        concurrency: 8,
        ...options,
      }),
      folder,
      http,
    })
  }
  // The local server lets a token make 5,000 calls an hour.
  let calls = 0
  const passed = (target = server) => passTo(target.url, () => `Bearer local-${Math.floor((calls += 1) / 2000)}`)
  const passOn = async (target = server): Promise<void> => {
    await proxy.rules.forPost('/oauth2/token').thenCallback(passTo(target.url))
    await proxy.rules.forUnmatchedRequest().thenCallback(passed(target))
  }
  /** Milliseconds, by what this machine takes for as many answers as a run waits for at once. */
  async function longerThanAnyAnswer(): Promise<number> {
    const begun = performance.now()
    const list = {headers: {authorization: 'Bearer local'}}
    await Promise.all(Array.from({length: 8}, async () => (await fetch(`${proxy.url}${path}`, list)).text()))
    return Math.ceil(1000 + 10 * (performance.now() - begun))
  }
  const storedIds = async (): Promise<unknown[]> =>
    (await query(databaseIn(folder), `SELECT external_id FROM raw_objects ORDER BY 1`)).map((row) => row['external_id'])
  const idsOf = (messages: readonly MailboxMessage[]): string[] => messages.map(({id}) => id).toSorted()

  async function expectAllOnce(
    {error, counts}: ScriptedResult,
    messages: readonly MailboxMessage[] = visible,
  ): Promise<void> {
    expect(error === undefined ? undefined : messageWithCauses(error)).to.equal(undefined)
    expect(counts.listed).to.equal(counts.inserted + counts.known + counts.unchanged + counts.gone + counts.outside)
    expect(await storedIds()).to.deep.equal(idsOf(messages))
  }

  /** The fault is over: the same command brings the rest. */
  async function expectNextRunBringsTheRest(failed: ScriptedResult, advice: string, where = 'slice'): Promise<void> {
    expect(messageWithCauses(failed.error)).to.contain(advice)
    const events = await query(
      databaseIn(folder),
      `SELECT event_type, status FROM event_log WHERE event_type IN ('ingestion.failed', 'job.failed') ORDER BY 1`,
    )
    const types = where === 'slice' ? ['ingestion.failed', 'job.failed'] : ['job.failed']
    expect(events).to.deep.equal(types.map((type) => ({event_type: type, status: 'failed'})))
    // Nothing behind the failed slice is covered.
    for (const {until} of failed.windows) expect(until).to.be.at.most(failed.cursor?.after ?? 0)
    proxy.rules.reset()
    await passOn()
    const next = await run()
    await expectAllOnce(next)
    expect(next.counts.inserted + failed.counts.inserted).to.equal(visible.length)
  }

  it('loses nothing to one 503 among 500 gets', async () => {
    await proxy.rules.forGet(`${path}/${visible[250]?.id}`).once().thenReply(503)
    await passOn()
    await expectAllOnce(await run())
  })

  it('fails its slice at a permanent 503, keeps those before it, and goes on there', async () => {
    await proxy.rules.forGet(`${path}/${visible[250]?.id}`).thenReply(503)
    await passOn()
    const failed = await run()
    expect(failed.counts.inserted).to.be.within(200, 250)
    await expectNextRunBringsTheRest(failed, 'Run the same command again later')
  })

  it('loses nothing where an answer breaks off in the middle', async () => {
    const half = new PassThrough()
    half.write('{"id": "')
    await proxy.rules.forGet(`${path}/${visible[9]?.id}`).once().thenStream(200, half, {'content-length': '9000'})
    await proxy.rules.on('response-initiated', ({headers}) => {
      if (headers['content-length'] === '9000') half.destroy(new Error('broken off'))
    })
    await passOn()
    await expectAllOnce(await run())
  })

  it('loses nothing where a page of HTML stands once for a list and for a message', async () => {
    const html = ['<html>Sign in</html>', {'content-type': 'text/html'}] as const
    await proxy.rules
      .forGet(path)
      .once()
      .thenReply(200, ...html)
    await proxy.rules
      .forGet(`${path}/${visible[9]?.id}`)
      .once()
      .thenReply(200, ...html)
    await passOn()
    await expectAllOnce(await run())
  })

  it('fails where it stays a page of HTML', async () => {
    await proxy.rules.forGet(`${path}/${visible[250]?.id}`).thenReply(200, '<html>', {'content-type': 'text/html'})
    await passOn()
    await expectNextRunBringsTheRest(await run(), 'answered 200 with text/html, which is not a JSON object')
  })

  it('fails where the list goes in circles', async () => {
    await proxy.rules.forGet(path).thenJson(200, {messages: [], nextPageToken: 'again', resultSizeEstimate: 1})
    await passOn()
    const failed = await run()
    expect(messageWithCauses(failed.error)).to.contain('the same page of messages twice. Run the same command again')
    expect(failed.windows).to.deep.equal([])
  })

  it('fails where access is revoked in the middle, says how to get it back, and goes on', async () => {
    let gets = 0
    const authError = {code: 401, errors: [{reason: 'authError'}]}
    const pass = passed()
    await proxy.rules.forGet(/messages\/./).thenCallback(async (request) => {
      gets += 1
      return gets > 300 ? {statusCode: 401, json: {error: authError}} : pass(request)
    })
    await proxy.rules.forPost('/oauth2/token').once().thenCallback(passTo(server.url))
    await proxy.rules.forPost('/oauth2/token').thenJson(400, {error: 'invalid_grant', error_description: 'Revoked.'})
    await proxy.rules.forUnmatchedRequest().thenCallback(pass)
    const failed = await run()
    expect(failed.counts.inserted).to.be.within(200, 300)
    await expectNextRunBringsTheRest(failed, 'Google refused the refresh token (invalid_grant)')
  })

  it('does not cover a time that has not come yet for Gmail', async () => {
    const pass = passed()
    const dated = (minutes: number) => async (request: Parameters<typeof pass>[0]) => {
      const answer = await pass(request)
      const date = new Date(Date.now() - minutes * 60_000).toUTCString()
      return {...answer, headers: {...answer.headers, date}}
    }
    await proxy.rules.forPost('/oauth2/token').thenCallback(passTo(server.url))
    await proxy.rules.forUnmatchedRequest().thenCallback(dated(2 * 24 * 60))
    const failed = await run()
    await expectNextRunBringsTheRest(failed, 'Set the clock of this machine and run the same command again', 'before')
  })

  it('gets over a server that hangs once, and fails where it hangs for good', async () => {
    await proxy.rules.forGet(`${path}/${visible[9]?.id}`).once().thenTimeout()
    await proxy.rules.forGet(`${path}/${visible[250]?.id}`).thenTimeout()
    await passOn()
    const silence = await longerThanAnyAnswer()
    const failed = await run({}, silence)
    expect(failed.counts.inserted).to.be.within(200, 250)
    await expectNextRunBringsTheRest(failed, `silent for ${silence} ms; gave up after 8 tries`)
  })

  it('stores nothing of an empty mailbox, and says that it is done', async () => {
    const empty = await startGmailServer([])
    try {
      await passOn(empty)
      const {error, counts, cursor} = await run({token_url: empty.tokenUrl, refresh_token: empty.refreshToken})
      expect(error).to.equal(undefined)
      expect(counts.listed).to.equal(0)
      expect(cursor?.after).to.be.above(cursor?.before ?? 0)
    } finally {
      await empty.close()
    }
  })

  it('takes a list without messages for an empty one only where it is a list', async () => {
    await proxy.rules.forGet(path).thenJson(200, {resultSizeEstimate: 0})
    await passOn()
    expect((await run()).counts.listed).to.equal(0)
    proxy.rules.reset()
    await proxy.rules.forGet(path).thenJson(200, {status: 'ok'})
    await passOn()
    expect(messageWithCauses((await run()).error)).to.contain('check that api_url is the Gmail API')
  })

  it('stores a message of 40 MB whole, or rejects it whole', async () => {
    const template = box[0] as MailboxMessage
    const raw = Buffer.concat([template.raw, Buffer.alloc(40_000_000, `${'x'.repeat(98)}\r\n`)])
    const messages = [{...template, id: '1a', raw}, ...visible.slice(1, 5)]
    const other = await startGmailServer(messages)
    try {
      await passOn(other)
      const account = {token_url: other.tokenUrl, refresh_token: other.refreshToken, format: 'raw'} as const
      const small = await run({...account, max_message_bytes: 10_000_000})
      expect(small.error).to.equal(undefined)
      expect(small.counts).to.include({listed: 5, inserted: 4, rejected: 1})
      folder = await temporaryFolder()
      await expectAllOnce(await run(account), messages)
      expect(
        await query(
          databaseIn(folder),
          `SELECT md5(payload->>'raw') AS digest FROM raw_objects WHERE external_id = '1a'`,
        ),
      ).to.deep.equal([{digest: createHash('md5').update(raw.toString('base64url')).digest('hex')}])
    } finally {
      await other.close()
    }
  })

  it('loses none of 5,000 messages to any fault that passes', async () => {
    const many = mailbox(5000, {now: new Date('2026-03-01T12:00:00Z'), seed: 'many'})
    const other = await startGmailServer(many)
    const error = (code: number, reason: string, message = 'later') => ({
      statusCode: code,
      json: {error: {code, message, errors: [{reason}]}},
    })
    const faults = [
      ...[408, 500, 502, 503, 504].map((statusCode) => ({statusCode})),
      {statusCode: 429, headers: {'retry-after': '0'}},
      {statusCode: 429, headers: {'retry-after': new Date().toUTCString()}},
      error(403, 'rateLimitExceeded'),
      error(403, 'userRateLimitExceeded'),
      error(429, 'rateLimitExceeded', 'Too many concurrent requests for user'),
      error(429, 'rateLimitExceeded', `User-rate limit exceeded.  Retry after ${new Date().toISOString()}`),
      {statusCode: 200, headers: {'content-type': 'text/html'}, body: '<html>Sign in</html>'},
      {statusCode: 200, headers: {'content-type': 'application/json'}, body: '{"id": "1'},
      'reset' as const,
      'close' as const,
    ]
    try {
      const pass = passed(other)
      let requests = 0
      const met = new Set<number>()
      await proxy.rules.forPost('/oauth2/token').thenCallback(passTo(other.url))
      await proxy.rules.forUnmatchedRequest().thenCallback(async (request) => {
        requests += 1
        const number = Math.floor(requests / 97) % faults.length
        if (requests % 97 !== 0) return pass(request)
        met.add(number)
        return faults[number] ?? pass(request)
      })
      const account = {token_url: other.tokenUrl, refresh_token: other.refreshToken, include_spam_trash: true}
      const result = await run({...account, format: 'metadata'})
      await expectAllOnce(result, many)
      expect(result.counts.inserted).to.equal(5000)
      expect(met.size).to.equal(faults.length)
    } finally {
      await other.close()
    }
  })
})
