import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import type {LoginContext, SecretStore} from 'lorchestra'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import {startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {createMask} from '../../../src/base/mask.ts'
import {createSecretStore} from '../../../src/sources/secrets/secret-store.ts'
import {secretsInMemory} from '../../../src/testing/trial.ts'
import {messageOf} from '../../../test/support/message-of.ts'
import {check} from '../src/check.ts'
import {login} from '../src/login.ts'
import type {Options} from '../src/options.ts'
import {reading, type Reading, type ReadingOptions} from './reading.ts'

const IDENTITY = {OrganizationId: 'the clinic'}
const PERSON = 'ada@example.com'

describe('signing in to Dataverse', () => {
  let entra: EntraServer
  let environment: FaultProxy
  /** Authorization headers that the environment saw. */
  let shown: string[]

  beforeEach(async () => {
    entra = await startEntraServer(await temporaryFolder())
    environment = await startFaultProxy()
    shown = []
    await environment.rules.on(
      'request-initiated',
      ({headers}) => void shown.push(String(headers['authorization'] ?? 'none')),
    )
  })
  afterEach(async () => {
    await environment.close()
    await entra.close()
  })

  const know = async (): Promise<void> => {
    await environment.rules.forUnmatchedRequest().thenJson(200, IDENTITY)
  }
  const tokenRequests = (): readonly string[] => entra.requests.filter((request) => request.endsWith('/token'))
  const asked = (path: string): boolean => entra.requests.some((request) => request.endsWith(path))
  const asPerson = (settings: ReadingOptions = {}): Reading =>
    reading(entra, environment.url, {
      ...settings,
      options: {client_id: entra.publicClientId, client_secret: undefined, ...settings.options},
    })

  interface Login {
    readonly done: Promise<void>
    readonly told: string[]
    readonly opened: string[]
    /** The code that the person is shown. */
    readonly code: Promise<string>
  }

  function loginOf({context}: Reading, signal = context.signal): Login {
    const told: string[] = []
    const opened: string[] = []
    let done = Promise.resolve()
    const code = new Promise<string>((resolve, reject) => {
      const loginContext: LoginContext<Options> = {
        ...context,
        signal,
        tell: (message) => void told.push(message),
        open: (url) => {
          opened.push(url.href)
          resolve(/code ([\w-]+)/.exec(told.join())?.[1] ?? '')
          return Promise.resolve()
        },
      }
      done = login(loginContext)
      done.catch(reject)
    })
    code.catch(() => undefined)
    return {done, told, opened, code}
  }

  async function signIn(run: Reading, person = PERSON): Promise<Login> {
    const begun = loginOf(run)
    await entra.approve(await begun.code, person)
    await begun.done
    return begun
  }

  describe('as an application', () => {
    it('asks for one token, when it is needed, and shows it to the environment alone', async () => {
      await know()
      const run = reading(entra, environment.url)
      expect(entra.requests).to.deep.equal([])
      await check(run.context)
      await check(run.context)
      expect(tokenRequests()).to.have.length(1)
      expect(new Set(shown).size).to.equal(1)
      expect(shown[0]).to.match(/^Bearer .+/)
    })

    it('asks for another token where the environment refuses the first', async () => {
      await environment.rules.forUnmatchedRequest().once().thenJson(401, {})
      await know()
      expect(await check(reading(entra, environment.url).context)).to.deep.equal({identity: 'the clinic'})
      expect(tokenRequests()).to.have.length(2)
      expect(new Set(shown).size).to.equal(2)
    })

    it('says what Entra said and what to do, without its traces and without a secret', async () => {
      const text =
        'AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the client secret value. Trace ID: 1-2 Correlation ID: 3 Timestamp: 2026-01-01'
      entra.front.rules.reset()
      await entra.front.rules.forGet(/openid-configuration$/).thenJson(200, {
        issuer: `${entra.url}/${entra.tenantId}/v2.0`,
        authorization_endpoint: `${entra.url}/authorize`,
        token_endpoint: `${entra.url}/token`,
        jwks_uri: `${entra.url}/keys`,
      })
      await entra.front.rules.forPost().thenJson(401, {
        error: 'invalid_client',
        error_description: text,
        error_codes: [7000215],
        timestamp: '2026-01-01 00:00:00Z',
        trace_id: '1-2',
        correlation_id: '3',
      })
      const message = await messageOf(check(reading(entra, environment.url).context))
      expect(message).to.contain('AADSTS7000215: Invalid client secret provided')
      expect(message).to.contain("Set client_secret to the secret's value")
      expect(message).not.to.match(/trace|correlation/i)
      expect(message).not.to.contain(entra.clientSecret)
      expect(shown).to.deep.equal([])
    })

    it('is refused with a wrong secret', async () => {
      const run = reading(entra, environment.url, {options: {client_secret: 'wrong'}})
      expect(await messageOf(check(run.context))).to.contain('invalid_client')
    })

    it('says why Entra cannot be reached', async () => {
      const gone = await startFaultProxy()
      await gone.close()
      const authority = gone.url.replace('http://127.0.0.1', 'https://localhost')
      const run = reading(entra, environment.url, {options: {authority}})
      expect(await messageOf(check(run.context))).to.contain('ECONNREFUSED')
    })

    it('is not asked to sign in', async () => {
      expect(await messageOf(loginOf(reading(entra, environment.url)).done)).to.contain('client_secret')
    })
  })

  describe('as a person', () => {
    it('never begins in a run', async () => {
      expect(await messageOf(check(asPerson().context))).to.contain(
        'nobody has signed in. Run: lorchestra accounts login',
      )
      expect(asked('/devicecode')).to.equal(false)
      expect(shown).to.deep.equal([])
    })

    it('shows a code and where to enter it, and keeps what the person gets for later runs', async () => {
      await know()
      const secrets = secretsInMemory()
      const {told, opened} = await signIn(asPerson({secrets}))
      expect(told[0]).to.match(/^Enter the code [\w-]+ at http/)
      expect(told.at(-1)).to.equal(`Signed in as ${PERSON}`)
      expect(opened).to.deep.equal([`${entra.providerUrl}/device`])
      const before = tokenRequests().length
      expect(await check(asPerson({secrets}).context)).to.deep.equal({identity: 'the clinic'})
      expect(await check(asPerson({secrets}).context)).to.deep.equal({identity: 'the clinic'})
      expect(shown.every((header) => header.startsWith('Bearer '))).to.equal(true)
      expect(tokenRequests()).to.have.length(before)
    })

    it('keeps a rotated refresh token', async () => {
      await know()
      const secrets = secretsInMemory()
      await signIn(asPerson({secrets}))
      const tokens = new Set([refreshToken(await secrets.get('msal_cache'))])
      for (let times = 0; times < 3; times += 1) {
        environment.rules.reset()
        await environment.rules.forUnmatchedRequest().once().thenJson(401, {})
        await know()
        await check(asPerson({secrets}).context)
        tokens.add(refreshToken(await secrets.get('msal_cache')))
      }
      expect(tokens.size).to.equal(4)
    })

    it('takes the place of whoever signed in before', async () => {
      const secrets = secretsInMemory()
      await signIn(asPerson({secrets}))
      await signIn(asPerson({secrets}), 'grace@example.com')
      const {Account} = JSON.parse((await secrets.get('msal_cache')) ?? '') as {
        Account: Record<string, {username: string}>
      }
      expect(Object.values(Account).map(({username}) => username)).to.deep.equal(['grace@example.com'])
    })

    it('begins with a cache that MSAL for Python wrote, and leaves that file alone', async () => {
      await know()
      const signedIn = secretsInMemory()
      await signIn(asPerson({secrets: signedIn}))
      const file = join(await temporaryFolder(), 'token_cache.json')
      const text = JSON.stringify(asPythonWrites(refreshToken(await signedIn.get('msal_cache')), entra))
      await writeFile(file, text)
      const secrets = secretsInMemory()
      const run = asPerson({secrets, options: {token_cache: file}})
      expect(await check(run.context)).to.deep.equal({identity: 'the clinic'})
      expect(refreshToken(await secrets.get('msal_cache'))).not.to.equal(refreshToken(text))
    })

    it('says so where the cache is of something else', async () => {
      const file = join(await temporaryFolder(), 'token_cache.json')
      await writeFile(file, 'not json: secret')
      const message = await messageOf(check(asPerson({options: {token_cache: file}}).context))
      expect(message).to.contain('is not a token cache of MSAL')
      expect(message).not.to.contain('secret')
    })

    it('says to sign in again where the refresh token is no longer good', async () => {
      const secrets = secretsInMemory()
      await signIn(asPerson({secrets}))
      await environment.rules.forUnmatchedRequest().thenJson(401, {})
      await secrets.update('msal_cache', (text) => (text ?? '').replaceAll(refreshToken(text), 'revoked'))
      expect(await messageOf(check(asPerson({secrets}).context))).to.contain('Sign in again: lorchestra accounts login')
    })

    it('ends when it is aborted', async () => {
      const stop = new AbortController()
      const begun = loginOf(asPerson(), stop.signal)
      await begun.code
      stop.abort(new Error('stopped by the user'))
      expect(await messageOf(begun.done)).to.equal('stopped by the user')
    })

    it('shares one exchange with another run that the environment refuses at the same moment', async () => {
      const folder = await temporaryFolder()
      const secrets = (): SecretStore => createSecretStore({folder, account: 'clinic', mask: createMask()})
      await signIn(asPerson({secrets: secrets()}))
      const before = tokenRequests().length
      await environment.rules
        .forUnmatchedRequest()
        .withHeaders({authorization: `Bearer ${accessToken(await secrets().get('msal_cache'))}`})
        .thenJson(401, {})
      await know()
      const runs = [asPerson({secrets: secrets()}), asPerson({secrets: secrets()})]
      await Promise.all(runs.map(async ({context}) => check(context)))
      expect(tokenRequests()).to.have.length(before + 1)
    })

    it('is not sent its refresh token where what Entra gives for it could not be stored', async () => {
      const folder = await temporaryFolder()
      const secrets = createSecretStore({folder, account: 'clinic', mask: createMask()})
      await signIn(asPerson({secrets}))
      await environment.rules.forUnmatchedRequest().thenJson(401, {})
      await mkdir(join(folder, 'clinic.json.new'))
      const before = tokenRequests().length
      expect(await messageOf(check(asPerson({secrets}).context))).to.contain('could not be stored')
      expect(tokenRequests()).to.have.length(before)
    })
  })
})

function accessToken(cache: string | undefined): string {
  const {AccessToken} = JSON.parse(cache ?? '{}') as {AccessToken?: Record<string, {secret: string}>}
  return Object.values(AccessToken ?? {})[0]?.secret ?? 'none'
}

function refreshToken(cache: string | undefined): string {
  const {RefreshToken} = JSON.parse(cache ?? '{}') as {RefreshToken?: Record<string, {secret: string}>}
  return Object.values(RefreshToken ?? {})[0]?.secret ?? 'none'
}

/** The layout of MSAL 1.39 for Python: other names of entries, the same contents. */
function asPythonWrites(token: string, {publicClientId, tenantId}: EntraServer): object {
  const common = {home_account_id: PERSON, environment: 'login.microsoftonline.com', client_id: publicClientId}
  return {
    AccessToken: {},
    Account: {
      [`${PERSON}-login.microsoftonline.com-${tenantId}`]: {
        ...common,
        realm: tenantId,
        local_account_id: PERSON,
        username: PERSON,
        authority_type: 'MSSTS',
        account_source: 'urn:ietf:params:oauth:grant-type:device_code',
      },
    },
    IdToken: {},
    RefreshToken: {
      [`${PERSON}-login.microsoftonline.com-refreshtoken-${publicClientId}--offline_access openid profile`]: {
        ...common,
        credential_type: 'RefreshToken',
        secret: token,
        target: 'offline_access openid profile',
        last_modification_time: '1795512604',
      },
    },
    AppMetadata: {},
  }
}
