import type {JsonObject, SourceContext} from 'lorchestra'

import {isHttpError} from '../http-error.ts'
import type {OAuth} from '../options/auth.ts'

export interface TokenAnswer {
  readonly accessToken: string
  /** The instant in milliseconds since 1970 at which to renew, a while before the token really ends. */
  readonly renewAt: number
  readonly refreshToken?: string
}

const SPARE_MS = 60_000

/** Sends one form to `token_url`. */
export async function requestToken(
  {http}: Pick<SourceContext<unknown>, 'http'>,
  auth: OAuth,
  form: Readonly<Record<string, string>>,
): Promise<TokenAnswer> {
  let body: JsonObject
  try {
    body = (await http.request({url: auth.token_url, ...withClient(auth, {...auth.form, ...form})})).body
  } catch (error) {
    const reason = isHttpError(error) ? error.body?.['error'] : undefined
    const explained = typeof reason === 'string' ? explain(reason) : undefined
    throw explained === undefined ? error : new Error(explained, {cause: error})
  }
  const {access_token: accessToken, expires_in: seconds, refresh_token: refreshToken} = body
  if (typeof accessToken !== 'string' || accessToken === '')
    throw new Error('the answer of token_url holds no access_token; check token_url under auth')
  return {
    accessToken,
    renewAt: Number(seconds) > 0 ? Date.now() + Number(seconds) * 1000 - SPARE_MS : Number.POSITIVE_INFINITY,
    ...(typeof refreshToken === 'string' && refreshToken !== '' && {refreshToken}),
  }
}

function withClient({client_id, client_secret, client_auth}: OAuth, form: Readonly<Record<string, string>>) {
  if (client_auth === 'body') return {form: {...form, client_id, ...(client_secret !== undefined && {client_secret})}}
  const encoded = [client_id, client_secret ?? ''].map(encodeURIComponent).join(':')
  return {form, authorization: async () => Promise.resolve(`Basic ${Buffer.from(encoded).toString('base64')}`)}
}

function explain(reason: string): string | undefined {
  const next = EXPLAINED[reason]
  return next === undefined ? undefined : `the service refused (${reason}): ${next}`
}

const EXPLAINED: Readonly<Record<string, string>> = {
  invalid_client: 'check client_id and client_secret under auth',
  unauthorized_client: 'check client_id and client_secret under auth, and what the client may do',
  invalid_grant: 'sign in again, `lorchestra accounts login ACCOUNT`, or set a new refresh_token under auth',
  invalid_scope: 'check scope under auth',
}
