import {mkdir, rmdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {createMask} from '../../../src/base/mask.ts'
import {ownProcess} from '../../../src/base/process-identity.ts'
import {createSecretStore} from '../../../src/sources/secrets/secret-store.ts'
import {temporaryFolder} from '../../../test/support/cli.ts'
import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox} from '../../../test/support/mailbox.ts'
import {secretsInMemory} from '../../../src/testing/trial.ts'
import {messageOf} from '../../../test/support/message-of.ts'
import {authorizationFor} from '../src/authorization.ts'
import source from '../src/source.ts'
import {reading, type ReadingOptions} from './reading.ts'

const path = '/gmail/v1/users/me/messages'

describe('access to Gmail', () => {
  const box = mailbox(20, {now: new Date('2026-03-01T12:00:00Z')})
  let server: GmailServer
  let proxy: FaultProxy

  before(async () => {
    server = await startGmailServer(box)
  })
  after(async () => {
    await server.close()
  })
  beforeEach(async () => {
    proxy = await startFaultProxy()
  })
  afterEach(async () => {
    await proxy.close()
  })

  const through = ({options, ...settings}: ReadingOptions = {}) =>
    reading(server, {...settings, options: {api_url: proxy.url, token_url: `${proxy.url}/oauth2/token`, ...options}})
  const passOn = async (): Promise<void> => {
    await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
  }
  const tokenCalls = (): number => proxy.requests.filter((request) => request === 'POST /oauth2/token').length
  /** Answers token calls and notes which refresh tokens came. */
  const grant = async (answer: (call: number) => object): Promise<string[]> => {
    const used: string[] = []
    await proxy.rules.forPost('/oauth2/token').thenCallback(async ({body}) => {
      used.push(new URLSearchParams(await body.getText()).get('refresh_token') ?? '')
      return {status: 200, json: answer(used.length)}
    })
    return used
  }

  it('asks for one token, whatever the number of messages and slices', async () => {
    await passOn()
    const {context} = through({options: {concurrency: 10, include_spam_trash: true}})
    for (let slice = 0; slice < 3; slice += 1) {
      let records = 0
      for await (const page of source.extract(context)) records += page.records.length
      expect(records).to.equal(box.length)
    }
    expect(tokenCalls()).to.equal(1)
  })

  it('asks for one token where several requests need it at the same moment', async () => {
    await passOn()
    const {context} = through()
    const requests = Array.from({length: 10}, () => authorizationFor(context))
    const first = await Promise.all(requests.map((authorization) => authorization({refused: false})))
    expect(new Set(first).size).to.equal(1)
    const second = await Promise.all(requests.map((authorization) => authorization({refused: true})))
    expect(new Set([...first, ...second]).size).to.equal(2)
    expect(tokenCalls()).to.equal(2)
  })

  it('renews a token once for all requests that Gmail refuses', async () => {
    const used = await grant((call) => ({access_token: `token-${call}`, expires_in: 3600}))
    await proxy.rules.forGet(path).thenCallback(passTo(server.url))
    await proxy.rules
      .forGet(/messages\/./)
      .withHeaders({authorization: 'Bearer token-1'})
      .thenJson(401, {error: {code: 401, errors: [{reason: 'authError'}]}})
    await passOn()
    const records = await through({options: {concurrency: 10, include_spam_trash: true}}).all()
    expect(records).to.have.length(box.length)
    expect(used).to.have.length(2)
  })

  it('renews a token before it ends', async () => {
    const used = await grant(() => ({access_token: 'short', expires_in: 30}))
    await passOn()
    await through({options: {concurrency: 1}}).all()
    expect(used.length).to.be.above(1)
  })

  it('says what to do when Gmail goes on refusing', async () => {
    await proxy.rules.forGet(path).thenJson(401, {error: {code: 401, errors: [{reason: 'authError'}]}})
    await passOn()
    expect(await messageOf(through().all())).to.contain('Sign in again: `lorchestra accounts login ACCOUNT`')
    expect(tokenCalls()).to.equal(2)
  })

  it('names the usual causes when Google refuses the refresh token', async () => {
    await passOn()
    const message = await messageOf(through({options: {refresh_token: 'no-longer-valid'}}).all())
    expect(message).to.contain('Google refused the refresh token (invalid_grant)')
    expect(message).to.contain("consent screen still in 'Testing'")
    expect(message).not.to.contain('no-longer-valid')
    expect(proxy.requests).to.deep.equal(['POST /oauth2/token'])
  })

  it('names the client when Google refuses its secret', async () => {
    await passOn()
    const message = await messageOf(through({options: {client_secret: 'wrong'}}).all())
    expect(message).to.contain('Check client_id and client_secret')
  })

  it('says so when the answer holds no token', async () => {
    await grant(() => ({token_type: 'Bearer'}))
    expect(await messageOf(through().all())).to.contain('holds no access_token')
  })

  it('gets over a passing fault of the token endpoint', async () => {
    await proxy.rules.forPost('/oauth2/token').once().thenReply(503)
    await proxy.rules.forPost('/oauth2/token').once().thenResetConnection()
    await passOn()
    expect(await through({options: {include_spam_trash: true}}).all()).to.have.length(box.length)
  })

  it('keeps a refresh token that Google exchanged, and uses it from then on', async () => {
    const secrets = secretsInMemory()
    const used = await grant((call) => ({access_token: `token-${call}`, refresh_token: `exchanged-${call}`}))
    await passOn()
    for (let run = 0; run < 3; run += 1) await through({secrets}).all()
    expect(used).to.deep.equal([server.refreshToken, 'exchanged-1', 'exchanged-2'])
    expect(await secrets.get('refresh_token')).not.to.contain(server.refreshToken)
  })

  it('uses a refresh token that is good for one exchange in one of two runs at once, and its successor in the other', async () => {
    const folder = await temporaryFolder()
    const used: string[] = []
    await proxy.rules.forPost('/oauth2/token').thenCallback(async ({body}) => {
      const token = new URLSearchParams(await body.getText()).get('refresh_token') ?? ''
      if (used.includes(token)) return {status: 400, json: {error: 'invalid_grant'}}
      used.push(token)
      return {status: 200, json: {access_token: 'token', refresh_token: `exchanged-${used.length}`}}
    })
    await passOn()
    const runs = [1, 2, 3].map(() =>
      through({secrets: createSecretStore({folder, account: 'acct1', mask: createMask()})}).all(),
    )
    await Promise.all(runs)
    expect(used).to.deep.equal([server.refreshToken, 'exchanged-1', 'exchanged-2'])
  })

  it('does not send a refresh token where its successor could not be stored', async () => {
    const folder = await temporaryFolder()
    const secrets = createSecretStore({folder, account: 'acct1', mask: createMask(), lockTimeout: 0})
    const used = await grant(() => ({access_token: 'token', refresh_token: 'exchanged'}))
    await passOn()
    await mkdir(join(folder, 'acct1.json.new'))
    expect(await messageOf(through({secrets}).all())).to.contain('could not be stored')
    await rmdir(join(folder, 'acct1.json.new'))
    await writeFile(join(folder, 'acct1.json.lock'), JSON.stringify({...(await ownProcess()), lock: 'of another run'}))
    expect(await messageOf(through({secrets}).all())).to.contain('is using the secrets of acct1')
    expect(used).to.deep.equal([])
  })

  it('stores nothing where Google gives no new refresh token', async () => {
    const secrets = secretsInMemory()
    await grant(() => ({access_token: 'token'}))
    await passOn()
    await through({secrets}).all()
    expect(await secrets.get('refresh_token')).to.equal(undefined)
  })

  it('prefers a refresh token that the user sets anew to a stored one', async () => {
    const secrets = secretsInMemory()
    const used = await grant(() => ({access_token: 'token', refresh_token: 'exchanged'}))
    await passOn()
    await through({secrets}).all()
    await through({secrets, options: {refresh_token: 'set anew'}}).all()
    expect(used).to.deep.equal([server.refreshToken, 'set anew'])
  })

  it('shows the refresh token to token_url alone, and the access token to api_url alone', async () => {
    const tokenProxy = await startFaultProxy()
    try {
      const calls = await tokenProxy.rules.forAnyRequest().thenCallback(passTo(server.url))
      const reads = await proxy.rules.forAnyRequest().thenCallback(passTo(server.url))
      await through({options: {token_url: `${tokenProxy.url}/oauth2/token`}}).all()
      const [call] = await calls.getSeenRequests()
      expect(call?.headers).not.to.have.property('authorization')
      expect(await call?.body.getText()).to.contain(server.refreshToken)
      const seen = await reads.getSeenRequests()
      expect(seen).not.to.be.empty
      expect(JSON.stringify(seen.map(({url, headers}) => [url, headers]))).not.to.contain(server.refreshToken)
    } finally {
      await tokenProxy.close()
    }
  })

  it('never shares a token between accounts', async () => {
    const used = await grant((call) => ({access_token: `token-${call}`}))
    await passOn()
    const first = through()
    await first.all()
    await through({http: first.context.http, options: {refresh_token: 'of another account'}}).all()
    expect(used).to.deep.equal([server.refreshToken, 'of another account'])
  })
})
