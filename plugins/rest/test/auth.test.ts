import {createHash} from 'node:crypto'

import {expect} from 'chai'
import type {LoginContext} from 'lorchestra'

import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import {secretsInMemory} from '../../../src/testing/trial.ts'
import {options as schema, type Options} from '../src/options/options.ts'
import source from '../src/source.ts'
import {startApi, type ApiAnswer, type ApiRequest, type ApiServer} from './api-server.ts'
import {failureOf, reading} from './reading.ts'

const things = {body: {items: [{id: 1}]}}

describe('credentials of the rest source', () => {
  let api: ApiServer
  afterEach(async () => api.close())
  const serve = async (answer: (request: ApiRequest) => ApiAnswer): Promise<void> => {
    api = await startApi(answer)
  }
  const job = (auth: object, more: object = {}) => ({
    base_url: api.url,
    object: 'thing',
    path: '/things',
    records: 'items',
    key: 'id',
    auth,
    ...more,
  })

  for (const [auth, sent] of [
    [{type: 'none'}, {}],
    [{type: 'bearer', token: 't'}, {authorization: 'Bearer t'}],
    [{type: 'bearer', token: 't', scheme: 'Token'}, {authorization: 'Token t'}],
    [{type: 'basic', user: 'u', password: 'p'}, {authorization: 'Basic dTpw'}],
    [{type: 'api_key', name: 'X-Api-Key', key: 'k'}, {'x-api-key': 'k'}],
    [{type: 'api_key', name: 'Authorization', key: 'k'}, {authorization: 'k'}],
  ] as const)
    it(`are sent as ${JSON.stringify(auth)} says`, async () => {
      await serve(() => things)
      await reading(job(auth, {headers: {'X-Version': '{version}'}, values: {version: 2}}))
      const headers: ApiRequest['headers'] = api.requests[0]?.headers ?? {}
      expect(headers['x-version']).to.equal('2')
      expect({
        ...(headers.authorization !== undefined && {authorization: headers.authorization}),
        ...(headers['x-api-key'] !== undefined && {'x-api-key': headers['x-api-key']}),
      }).to.deep.equal(sent)
    })

  it('go with the address of the next page as well, once', async () => {
    await serve(({query}) =>
      query.get('page') === '2' ? things : {body: {items: [{id: 2}], next: '/things?page=2&api_key=old'}},
    )
    await reading(job({type: 'api_key', in: 'query', name: 'api_key', key: 'k'}, {pages: {by: 'next', path: 'next'}}))
    expect(api.requests.map(({query}) => query.getAll('api_key'))).to.deep.equal([['k'], ['k']])
  })

  it('are got by client credentials, once for all pages, and anew where they are refused', async () => {
    let given = 0
    await serve(({path, form, headers}) => {
      if (path === '/token') {
        given += 1
        const right =
          form.get('client_id') === 'me' && form.get('client_secret') === 's' && form.get('audience') === 'x'
        return right
          ? {body: {access_token: `token-${given}`, expires_in: '3600'}}
          : {status: 401, body: {error: 'invalid_client'}}
      }
      return headers.authorization === 'Bearer token-2' ? things : {status: 401, body: {}}
    })
    const auth = {
      type: 'oauth2_client_credentials',
      token_url: `${api.url}/token`,
      client_id: 'me',
      client_secret: 's',
      form: {audience: 'x'},
    }
    expect((await reading(job(auth))).keys).to.have.length(1)
    expect(given).to.equal(2)
    expect(await failureOf(reading(job({...auth, client_id: 'you'})))).to.contain('check client_id and client_secret')
  })

  it('are kept where the service gives a new refresh token', async () => {
    const used: (string | null)[] = []
    await serve(({path, form}) => {
      if (path !== '/token') return things
      used.push(form.get('refresh_token'))
      return {body: {access_token: 'a', refresh_token: `r${used.length}`}}
    })
    const secrets = secretsInMemory()
    const auth = {type: 'oauth2_refresh_token', token_url: `${api.url}/token`, client_id: 'me', refresh_token: 'r0'}
    await reading(job(auth), {secrets})
    await reading(job(auth), {secrets})
    // One that the user sets anew wins.
    await reading(job({...auth, refresh_token: 'mine'}), {secrets})
    expect(used).to.deep.equal(['r0', 'r1', 'mine'])
  })

  it('are got through the browser, with a proof that the answer is for us', async () => {
    let challenge: string | null = null
    await serve(({path, form}) => {
      if (path !== '/token') return things
      if (form.get('grant_type') === 'refresh_token') return {body: {access_token: form.get('refresh_token')}}
      const proof = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      const right = form.get('code') === 'the-code' && proof === challenge
      return right ? {body: {access_token: 'a', refresh_token: 'r'}} : {status: 400, body: {error: 'invalid_grant'}}
    })
    const secrets = secretsInMemory()
    const options = schema.parse(
      job({
        type: 'oauth2_refresh_token',
        token_url: `${api.url}/token`,
        client_id: 'me',
        authorization_url: `${api.url}/authorize`,
        authorization_params: {access_type: 'offline'},
      }),
    )
    expect(await source.needsLogin?.({options, secrets})).to.equal(true)
    const signal = new AbortController().signal
    const silent = (): void => undefined
    const log = {debug: silent, info: silent, warn: silent, error: silent}
    const context: LoginContext<Options> = {
      options,
      http: createHttpClient({signal, log}),
      secrets,
      log,
      signal,
      tell: silent,
      open: async ({searchParams}) => {
        expect(searchParams.get('access_type')).to.equal('offline')
        challenge = searchParams.get('code_challenge')
        const back = searchParams.get('redirect_uri') ?? ''
        await fetch(`${back}/?code=another&state=wrong`)
        await fetch(`${back}/?code=the-code&state=${searchParams.get('state') ?? ''}`)
      },
    }
    await source.login?.(context)
    expect(await source.needsLogin?.({options, secrets})).to.equal(false)
    expect((await reading(options, {secrets})).keys).to.have.length(1)
  })

  it('name whose data it is, where the job says where', async () => {
    await serve(({path}) => (path === '/me' ? {body: {user: {login: 'ada'}}} : things))
    const options = schema.parse(job({type: 'none'}, {identity: {path: '/me', field: 'user.login'}}))
    const silent = (): void => undefined
    const log = {debug: silent, info: silent, warn: silent, error: silent}
    const signal = new AbortController().signal
    const context = {
      options,
      http: createHttpClient({signal, log}),
      secrets: secretsInMemory(),
      log,
      signal,
      streams: [],
    }
    expect(await source.check?.(context as never)).to.deep.equal({identity: 'ada'})
  })

  it('wait until the service takes requests again, as its headers say', async () => {
    const headers = {'x-left': '0', 'x-reset': '0.01'}
    await serve(({index}) => (index === 0 ? {status: 403, body: {}, headers} : things))
    const rate = {rate_limit: {remaining: 'x-left', reset: 'x-reset'}}
    expect((await reading(job({type: 'none'}, rate))).keys).to.have.length(1)
    expect(api.requests).to.have.length(2)
  })

  it('end where the service refuses for good, whatever its headers say', async () => {
    const headers = {'x-left': '0', 'x-reset': '0.01'}
    await serve(() => ({status: 403, body: {}, headers}))
    const rate = {rate_limit: {remaining: 'x-left', reset: 'x-reset'}}
    const refused = await reading(job({type: 'none'}, rate)).catch(String)
    expect(refused).to.include('403')
    expect(api.requests).to.have.length(6)
  })
})
