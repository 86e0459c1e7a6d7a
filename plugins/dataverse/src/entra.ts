import type {
  AccountInfo,
  AuthenticationResult,
  ConfidentialClientApplication,
  INetworkModule,
  NetworkRequestOptions,
  NetworkResponse,
  PublicClientApplication,
} from '@azure/msal-node'
import type {HttpClient, HttpRequest, JsonObject, LoginContext, SourceContext} from 'lorchestra'

import type {Options} from './options.ts'
import {refreshTokenIn, TokenCache} from './token-cache.ts'

/** An account is what signing in needs, in a run as in a login. */
export type Account = Pick<LoginContext<Options>, 'options' | 'http' | 'secrets' | 'signal'> &
  Partial<Pick<SourceContext<Options>, 'resolvePath'>>

interface Entra {
  readonly application: ConfidentialClientApplication | PublicClientApplication
  readonly network: Network
  /** Where a person signs in; an application keeps nothing. */
  readonly cache?: TokenCache
}

const KNOWN_AUTHORITY = 'https://login.microsoftonline.com'
const ANSWERED_ERRORS = [400, 401, 403, 404]

// Weakly by the account's options, so that no other account can meet its tokens.
const applications = new WeakMap<Options, Promise<Entra>>()

export async function applicationOf(account: Account): Promise<Entra> {
  let application = applications.get(account.options)
  if (application === undefined) {
    application = createApplication(account)
    applications.set(account.options, application)
  }
  return application
}

/** An application may do what its security role says; a person is impersonated. */
export function scopesFor({url, client_secret}: Options): string[] {
  return [`${new URL(url).origin}/${client_secret === undefined ? 'user_impersonation' : '.default'}`]
}

/** Finds who has signed in, in lorchestra or, to begin with, in the tool that wrote `token_cache`. */
export async function personOf(
  application: PublicClientApplication,
  {options, resolvePath}: Account,
): Promise<AccountInfo> {
  const [person, another] = await application.getTokenCache().getAllAccounts()
  if (person !== undefined && another === undefined) return person
  const {token_cache: file, client_id: clientId} = options
  const token =
    person === undefined && file !== undefined ? await refreshTokenIn(resolvePath?.(file) ?? file, clientId) : undefined
  if (token === undefined)
    throw new Error(
      `${person === undefined ? 'nobody has' : 'several people have'} signed in. Run: lorchestra accounts login, with the name of the account`,
    )
  const request = {refreshToken: token, scopes: scopesFor(options), forceCache: true}
  return whoSignedIn(await application.acquireTokenByRefreshToken(request))
}

export function whoSignedIn(result: AuthenticationResult | null): AccountInfo {
  if (result?.account === null || result?.account === undefined) throw new Error('Entra did not say who signed in')
  return result.account
}

async function createApplication(account: Account): Promise<Entra> {
  const {options, http, secrets} = account
  const {authority, tenant_id, client_id: clientId, client_secret: clientSecret} = options
  const msal = await import('@azure/msal-node')
  const auth = {
    clientId,
    authority: `${new URL(authority).origin}/${tenant_id}`,
    // MSAL knows Microsoft's own; it would ask Microsoft about any other.
    ...(authority !== KNOWN_AUTHORITY && {knownAuthorities: [new URL(authority).host]}),
  }
  const network = new Network(http)
  const system = {networkClient: network, disableInternalRetries: true}
  if (clientSecret !== undefined)
    return {application: new msal.ConfidentialClientApplication({auth: {...auth, clientSecret}, system}), network}
  const cache = new TokenCache(secrets)
  return {
    application: new msal.PublicClientApplication({auth, system, cache: {cachePlugin: cache}}),
    network,
    cache,
  }
}

/** Sends MSAL's requests through the host: with its timeouts, tries and abort. */
class Network implements INetworkModule {
  /** MSAL says only that the network failed; this says why. */
  failure: unknown
  readonly #http: HttpClient

  constructor(http: HttpClient) {
    this.#http = http
  }

  async sendGetRequestAsync<Body>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<Body>> {
    return this.#send(url, options) as Promise<NetworkResponse<Body>>
  }

  async sendPostRequestAsync<Body>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<Body>> {
    const form = Object.fromEntries(new URLSearchParams(options?.body))
    return this.#send(url, options, {form}) as Promise<NetworkResponse<Body>>
  }

  async #send(
    url: string,
    {headers = {}}: NetworkRequestOptions = {},
    content: Pick<HttpRequest, 'form'> = {},
  ): Promise<NetworkResponse<JsonObject>> {
    this.failure = undefined
    try {
      const answer = await this.#http.request({url, headers, allow: ANSWERED_ERRORS, ...content})
      return {status: answer.status, headers: Object.fromEntries(answer.headers), body: answer.body}
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}
