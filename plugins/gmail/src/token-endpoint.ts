import type {JsonObject, SourceContext} from 'lorchestra'

import {isHttpError} from './http-error.ts'
import type {Options} from './options.ts'

export interface TokenAnswer {
  readonly accessToken: string
  /** The instant in milliseconds since 1970 at which to renew, a while before the token really ends. */
  readonly renewAt: number
  readonly refreshToken?: string
  /** The scopes that were granted, where the answer says so. */
  readonly scopes?: readonly string[]
}

/** A login has no `resolvePath`, and needs none. */
export type AuthorizationContext = Pick<SourceContext<Options>, 'options' | 'http' | 'secrets'> &
  Partial<Pick<SourceContext<Options>, 'resolvePath'>>

const SPARE_MS = 60_000

/** Sends one form to `token_url`. `explain` gives cause and cure for OAuth's word for a refusal, where it knows them. */
export async function requestToken(
  {options, http}: Pick<SourceContext<Options>, 'options' | 'http'>,
  form: Readonly<Record<string, string>>,
  explain: (reason: string) => string | undefined,
): Promise<TokenAnswer> {
  let body: JsonObject
  try {
    body = (await http.request({url: options.token_url, form})).body
  } catch (error) {
    const reason = isHttpError(error) ? error.body?.['error'] : undefined
    const explained = typeof reason === 'string' ? explain(reason) : undefined
    throw explained === undefined ? error : new Error(explained, {cause: error})
  }
  const {access_token: accessToken, expires_in: seconds, refresh_token: refreshToken, scope} = body
  return {
    accessToken: checkedAccessToken(accessToken),
    renewAt: lifetimeEnd(typeof seconds === 'number' ? Date.now() + seconds * 1000 : undefined),
    ...(typeof refreshToken === 'string' && refreshToken !== '' && {refreshToken}),
    ...(typeof scope === 'string' && {scopes: scope.split(' ')}),
  }
}

export const lifetimeEnd = (expiresAt = Number.POSITIVE_INFINITY): number => expiresAt - SPARE_MS

export function checkedAccessToken(token: unknown): string {
  if (typeof token === 'string' && token !== '') return token
  throw new Error('the answer of token_url holds no access_token; check token_url in the options')
}
