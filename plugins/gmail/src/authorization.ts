import type {HttpRequest} from 'lorchestra'

import type {Options} from './options.ts'
import {grantByApplicationDefault, grantByServiceAccount} from './google-credentials.ts'
import {grantByRefreshToken} from './refresh-token.ts'
import type {AuthorizationContext, TokenAnswer} from './token-endpoint.ts'

const GRANTS = {
  refresh_token: grantByRefreshToken,
  service_account: grantByServiceAccount,
  application_default: grantByApplicationDefault,
} satisfies Record<Options['auth'], (context: AuthorizationContext) => Promise<TokenAnswer>>

// An access token outlives a slice. Weakly by the account's options, so that no other account can meet it.
const tokens = new WeakMap<Options, Promise<TokenAnswer>>()

/** Gives the Authorization header of one request. Requests of an account share the token, and the one renewal in flight. */
export function authorizationFor(context: AuthorizationContext): NonNullable<HttpRequest['authorization']> {
  let given: TokenAnswer | undefined
  return async ({refused}) => {
    const pending = tokens.get(context.options)
    const known = await pending
    const usable = known !== undefined && known.renewAt > Date.now() && !(refused && known === given)
    if (usable) given = known
    // Another request may have begun a renewal meanwhile.
    else given = await (tokens.get(context.options) === pending ? renew(context) : tokens.get(context.options))
    if (given === undefined) throw new Error('the renewal of the access token failed in another request')
    return `Bearer ${given.accessToken}`
  }
}

function renew(context: AuthorizationContext): Promise<TokenAnswer> {
  const renewal = GRANTS[context.options.auth](context)
  tokens.set(context.options, renewal)
  renewal.catch(() => {
    if (tokens.get(context.options) === renewal) tokens.delete(context.options)
  })
  return renewal
}
