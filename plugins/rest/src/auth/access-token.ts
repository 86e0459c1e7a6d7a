import type {HttpRequest, SourceContext} from 'lorchestra'

import type {OAuth} from '../options/auth.ts'
import {grantByRefreshToken} from './refresh-token.ts'
import {requestToken, type TokenAnswer} from './token-endpoint.ts'

export type AuthorizationContext = Pick<SourceContext<unknown>, 'http' | 'secrets'>

// Weakly by the account's own options, so that no other account can meet its token.
const tokens = new WeakMap<OAuth, Promise<TokenAnswer>>()

/** Gives the Authorization header of one request. Requests of an account share the token, and the one renewal in flight. */
export function authorizationByOAuth(
  context: AuthorizationContext,
  auth: OAuth,
): NonNullable<HttpRequest['authorization']> {
  let given: TokenAnswer | undefined
  return async ({refused}) => {
    const pending = tokens.get(auth)
    const known = await pending
    const usable = known !== undefined && known.renewAt > Date.now() && !(refused && known === given)
    if (usable) given = known
    // Another request may have begun a renewal meanwhile.
    else given = await (tokens.get(auth) === pending ? renew(context, auth) : tokens.get(auth))
    if (given === undefined) throw new Error('the renewal of the access token failed in another request')
    return `Bearer ${given.accessToken}`
  }
}

function renew(context: AuthorizationContext, auth: OAuth): Promise<TokenAnswer> {
  const scope = auth.scope === undefined ? {} : {scope: auth.scope}
  const renewal =
    auth.type === 'oauth2_refresh_token'
      ? grantByRefreshToken(context, auth)
      : requestToken(context, auth, {grant_type: 'client_credentials', ...scope})
  tokens.set(auth, renewal)
  renewal.catch(() => {
    if (tokens.get(auth) === renewal) tokens.delete(auth)
  })
  return renewal
}
