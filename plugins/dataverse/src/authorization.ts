import type {AuthenticationResult} from '@azure/msal-node'
import type {HttpRequest, SourceContext} from 'lorchestra'

import {applicationOf, personOf, scopesFor, type Account} from './entra.ts'
import {explained} from './entra-error.ts'
import type {Options} from './options.ts'

type Context = Account & Pick<SourceContext<Options>, 'resolvePath'>

const SPARE_MS = 5 * 60_000

// Weakly by the account's options, so that no other account can meet its token.
const tokens = new WeakMap<Options, Promise<AuthenticationResult>>()

/** Gives the Authorization header of one request. Requests of an account share the token, and the one renewal in flight. */
export function authorizationFor(context: Context): NonNullable<HttpRequest['authorization']> {
  let given: AuthenticationResult | undefined
  return async ({refused}) => {
    const pending = tokens.get(context.options)
    const known = await pending
    const usable = known !== undefined && isFresh(known) && !(refused && known === given)
    if (usable) given = known
    // Another request may have begun a renewal meanwhile.
    else given = await (tokens.get(context.options) === pending ? renew(context, given) : tokens.get(context.options))
    if (given === undefined) throw new Error('the renewal of the access token failed in another request')
    return `Bearer ${given.accessToken}`
  }
}

const isFresh = ({expiresOn}: AuthenticationResult): boolean =>
  expiresOn !== null && expiresOn.getTime() - SPARE_MS > Date.now()

function renew(context: Context, refused: AuthenticationResult | undefined): Promise<AuthenticationResult> {
  const renewal = newToken(context, refused?.accessToken)
  tokens.set(context.options, renewal)
  renewal.catch(() => {
    if (tokens.get(context.options) === renewal) tokens.delete(context.options)
  })
  return renewal
}

async function newToken(context: Context, refused: string | undefined): Promise<AuthenticationResult> {
  const {application, network, cache} = await applicationOf(context)
  const scopes = scopesFor(context.options)
  const ask = async (renewed: boolean): Promise<AuthenticationResult | null> =>
    'acquireTokenByClientCredential' in application
      ? application.acquireTokenByClientCredential({scopes, skipCache: renewed})
      : application.acquireTokenSilent({scopes, forceRefresh: renewed, account: await personOf(application, context)})
  // The store may hold another process's token meanwhile, which nobody refused.
  const exchange = async (): Promise<AuthenticationResult | null> => {
    const first = await ask(false)
    return first === null || first.accessToken !== refused ? first : ask(true)
  }
  network.failure = undefined
  try {
    const result = await (cache === undefined ? exchange() : cache.locked(exchange))
    if (result !== null) return result
  } catch (error) {
    context.signal.throwIfAborted()
    throw explained(network.failure ?? error)
  }
  throw new Error('Entra gave no token; check tenant_id and client_id')
}
