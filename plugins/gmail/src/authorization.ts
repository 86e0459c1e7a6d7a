import type {HttpRequest, JsonObject, SourceContext} from 'lorchestra'

import {isHttpError} from './http-error.ts'
import type {Options} from './options.ts'
import {keepRefreshToken, refreshTokenOf} from './refresh-token.ts'

type Context = Pick<SourceContext<Options>, 'options' | 'http' | 'secrets'>

interface AccessToken {
  readonly value: string
  readonly renewAt: number
}

const SPARE_MS = 60_000

// An access token outlives a slice. Weakly by the account's options, so that no other account can meet it.
const tokens = new WeakMap<Options, Promise<AccessToken>>()

/** The Authorization header of one request. Requests of an account share the token, and the one renewal in flight. */
export function authorizationFor(context: Context): NonNullable<HttpRequest['authorization']> {
  let given: AccessToken | undefined
  return async ({refused}) => {
    const pending = tokens.get(context.options)
    const known = await pending
    const usable = known !== undefined && known.renewAt > Date.now() && !(refused && known === given)
    if (usable) given = known
    // Another request may have begun a renewal meanwhile.
    else given = await (tokens.get(context.options) === pending ? renew(context) : tokens.get(context.options))
    if (given === undefined) throw new Error('the renewal of the access token failed in another request')
    return `Bearer ${given.value}`
  }
}

function renew(context: Context): Promise<AccessToken> {
  const renewal = requestToken(context)
  tokens.set(context.options, renewal)
  renewal.catch(() => {
    if (tokens.get(context.options) === renewal) tokens.delete(context.options)
  })
  return renewal
}

async function requestToken({options, http, secrets}: Context): Promise<AccessToken> {
  const refreshToken = await refreshTokenOf(secrets, options.refresh_token)
  const form = {
    grant_type: 'refresh_token',
    client_id: options.client_id,
    client_secret: options.client_secret,
    refresh_token: refreshToken,
  }
  let body: JsonObject
  try {
    body = (await http.request({url: options.token_url, form})).body
  } catch (error) {
    throw explained(error)
  }
  const {access_token: value, expires_in: seconds, refresh_token: rotated} = body
  if (typeof value !== 'string' || value === '')
    throw new Error('the answer of token_url holds no access_token; check token_url in the options')
  if (typeof rotated === 'string' && rotated !== refreshToken)
    await keepRefreshToken(secrets, options.refresh_token, rotated)
  const lifetime = typeof seconds === 'number' ? seconds * 1000 : Number.POSITIVE_INFINITY
  return {value, renewAt: Date.now() + lifetime - SPARE_MS}
}

function explained(error: unknown): unknown {
  const reason = isHttpError(error) ? error.body?.['error'] : undefined
  if (reason === 'invalid_grant')
    return new Error(
      "Google refused the refresh token (invalid_grant). Usual causes: consent screen still in 'Testing' (tokens last " +
        '7 days), password changed, access revoked, unused for 6 months. Authorise again and set the new refresh_token',
      {cause: error},
    )
  if (reason === 'invalid_client' || reason === 'unauthorized_client')
    return new Error(`Google refused the OAuth client (${reason}). Check client_id and client_secret`, {cause: error})
  return error
}
