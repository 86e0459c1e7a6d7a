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
  close(): Promise<void>
}

const TENANT = 'clinic.example'
const CLIENT = {id: 'lorchestra-application', secret: 'local-application-secret'}
const PUBLIC_CLIENT = 'lorchestra-person'
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
  features: {deviceFlow: {enabled: true}, clientCredentials: {enabled: true}},
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
  },
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
    jwks_uri: `${providerUrl}/jwks`,
  })
  for (const [theirs, path] of [
    ['token', 'token'],
    ['devicecode', 'device/auth'],
  ]) {
    await front.rules.forPost(`${address}/${theirs}`).thenCallback(async ({body}) => {
      const answer = await fetch(`${providerUrl}/${path}`, {
        method: 'POST',
        body: translated(new URLSearchParams(await body.getText())),
      })
      return {statusCode: answer.status, json: (await answer.json()) as object}
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

/** Where Entra differs from the standard: its own name for the grant, and resources as scopes. */
function translated(form: URLSearchParams): URLSearchParams {
  if (form.get('grant_type') === 'device_code') form.set('grant_type', 'urn:ietf:params:oauth:grant-type:device_code')
  const scopes = form
    .get('scope')
    ?.split(' ')
    .filter((scope) => !scope.includes('/'))
  if (scopes !== undefined) form.set('scope', scopes.join(' '))
  return form
}
