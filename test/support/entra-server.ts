import {writeFile} from 'node:fs/promises'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {getCACertificates, setDefaultCACertificates} from 'node:tls'

import {generateCACertificate} from 'mockttp'
import {Provider} from 'oidc-provider'
import {stub} from 'sinon'

import {startFaultProxy, type FaultProxy} from './fault-proxy.ts'

/** A certified OpenID provider on loopback, behind Entra's addresses and https. Nothing in it is a real secret. */
export interface EntraServer {
  /** For the option `authority`. */
  readonly url: string
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
  /** Of an app that people sign in to. */
  readonly publicClientId: string
  /** The provider itself, where a person signs in with a device code. */
  readonly providerUrl: string
  /** Certificate of the authority, for NODE_EXTRA_CA_CERTS. */
  readonly certificate: string
  /** What it was asked, by method and path. */
  readonly requests: readonly string[]
  readonly front: FaultProxy
  /** What a person does with the code that they were shown: enters it, signs in and consents. */
  approve(userCode: string, person: string): Promise<void>
  close(): Promise<void>
}

const TENANT = 'clinic.example'
const CLIENT = {id: 'lorchestra-application', secret: 'local-application-secret'}
const PUBLIC_CLIENT = 'lorchestra-person'
const SIGNED_IN = 'signed in'

interface Page {
  body: string
}

const CONFIGURATION = {
  clients: [
    {
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: PUBLIC_CLIENT,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    },
  ],
  features: {
    deviceFlow: {
      enabled: true,
      userCodeConfirmSource: (page: Page, form: string) => (page.body = form),
      successSource: (page: Page) => (page.body = SIGNED_IN),
    },
    clientCredentials: {enabled: true},
  },
  claims: {openid: ['sub'], profile: ['preferred_username', 'name']},
  conformIdTokenClaims: false,
  findAccount: (_context: unknown, id: string) => ({
    accountId: id,
    claims: () => ({sub: id, name: id, preferred_username: id}),
  }),
  ttl: {
    AccessToken: 3600,
    ClientCredentials: 3600,
    DeviceCode: 600,
    RefreshToken: 86_400,
    IdToken: 3600,
    Grant: 86_400,
    Interaction: 600,
    Session: 600,
  },
  rotateRefreshToken: true,
  cookies: {keys: ['local']},
}

export async function startEntraServer(folder: string): Promise<EntraServer> {
  const ca = await generateCACertificate({subject: {commonName: 'local authority for tests'}})
  const certificate = join(folder, 'authority.pem')
  await writeFile(certificate, ca.cert)
  // For requests of this process; others get NODE_EXTRA_CA_CERTS.
  setDefaultCACertificates([...getCACertificates('default'), ca.cert])
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const providerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  server.on('request', createProvider(providerUrl).callback())
  const front = await startFaultProxy({https: {key: ca.key, cert: ca.cert}})
  const address = `/${TENANT}/oauth2/v2.0`
  await front.rules.forGet(`/${TENANT}/v2.0/.well-known/openid-configuration`).thenJson(200, {
    issuer: `${front.url}/${TENANT}/v2.0`,
    authorization_endpoint: `${front.url}${address}/authorize`,
    token_endpoint: `${front.url}${address}/token`,
    device_authorization_endpoint: `${front.url}${address}/devicecode`,
    jwks_uri: `${providerUrl}/jwks`,
  })
  for (const [theirs, path] of [
    ['token', 'token'],
    ['devicecode', 'device/auth'],
  ]) {
    await front.rules.forPost(`${address}/${theirs}`).thenCallback(async ({body}) => {
      const asked = new URLSearchParams(await body.getText())
      const answer = await fetch(`${providerUrl}/${path}`, {method: 'POST', body: asStandard(asked)})
      const json = (await answer.json()) as object
      const more = 'device_code' in json ? {interval: 1} : 'access_token' in json ? {scope: asked.get('scope')} : {}
      return {statusCode: answer.status, json: {...json, ...more}}
    })
  }
  return {
    url: front.url,
    tenantId: TENANT,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    publicClientId: PUBLIC_CLIENT,
    providerUrl,
    certificate,
    requests: front.requests,
    front,
    approve: async (userCode, person) => approve(`${providerUrl}/device?user_code=${userCode}`, person),
    close: async () => {
      await front.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Without its advice for production. */
function createProvider(url: string): Provider {
  const quiet = [stub(console, 'warn'), stub(console, 'info')]
  try {
    return new Provider(url, CONFIGURATION)
  } finally {
    for (const method of quiet) method.restore()
  }
}

/** Entra has its own name for a grant, and takes addresses with a right as scopes, which it then grants. */
function asStandard(asked: URLSearchParams): URLSearchParams {
  const form = new URLSearchParams(asked)
  if (form.get('grant_type') === 'device_code') form.set('grant_type', 'urn:ietf:params:oauth:grant-type:device_code')
  const scopes = asked
    .get('scope')
    ?.split(' ')
    .filter((scope) => !scope.includes('/'))
  if (scopes !== undefined) form.set('scope', scopes.join(' '))
  return form
}

/** A browser without scripts: follows redirects and sends the form of each page. */
async function approve(address: string, person: string): Promise<void> {
  const cookies = new Map<string, string>()
  let url = address
  let form: URLSearchParams | undefined
  for (let pages = 0; pages < 20; pages += 1) {
    const answer = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      body: form ?? null,
      redirect: 'manual',
      headers: {cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')},
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      cookies.set(name, value)
    }
    const page = await answer.text()
    if (page === SIGNED_IN) return
    const location = answer.headers.get('location')
    const [, action, fields = ''] = /<form[^>]*action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(page) ?? []
    form = location === null ? filledIn(fields, person) : undefined
    url = new URL(location ?? action ?? '', url).href
  }
  throw new Error('the local authority did not let anybody sign in')
}

function filledIn(fields: string, person: string): URLSearchParams {
  const form = new URLSearchParams()
  for (const [, attributes = ''] of fields.matchAll(/<input([^>]*)>/g)) {
    const name = /name="([^"]+)"/.exec(attributes)?.[1]
    if (name !== undefined) form.set(name, /value="([^"]*)"/.exec(attributes)?.[1] ?? person)
  }
  return form
}
