import {createHash} from 'node:crypto'

import type {SecretStore, SourceContext} from 'lorchestra'

import type {Options} from './options.ts'
import {requestToken, type TokenAnswer} from './token-endpoint.ts'

const NAME = 'refresh_token'
const SIGN_IN = 'Sign in again: `lorchestra accounts login ACCOUNT`, or set a new refresh_token'

/**
 * Exchanges the refresh token for an access token. Google may give a new refresh token along with it, which is kept: so no
 * other process exchanges the same one meanwhile, and none is sent that could not be kept.
 */
export async function grantByRefreshToken(
  context: Pick<SourceContext<Options>, 'options' | 'http' | 'secrets'>,
): Promise<TokenAnswer> {
  const {options, secrets} = context
  let answer: TokenAnswer | undefined
  await secrets.update(NAME, async (stored) => {
    const refreshToken = refreshTokenIn(stored, options.refresh_token)
    answer = await requestToken(
      context,
      {grant_type: 'refresh_token', ...clientOf(options), refresh_token: refreshToken},
      explain,
    )
    const rotated = answer.refreshToken
    return rotated === undefined || rotated === refreshToken ? undefined : kept(options.refresh_token, rotated)
  })
  if (answer === undefined) throw new Error('the secrets of the account were not opened for the exchange')
  return answer
}

/** The schema makes sure that they are there where a refresh token is used. */
export const clientOf = ({
  client_id = '',
  client_secret = '',
}: Options): {readonly client_id: string; readonly client_secret: string} => ({client_id, client_secret})

/**
 * Gives the stored token, which a login or a rotation left, as long as the configured one is the one that it replaced; so a
 * token that the user sets anew wins over what was stored before.
 */
function refreshTokenIn(stored: string | undefined, configured: string | undefined): string {
  if (stored !== undefined) {
    const {replaces, token} = JSON.parse(stored) as StoredToken
    if (configured === undefined || replaces === fingerprint(configured)) return token
  }
  if (configured !== undefined) return configured
  throw new Error(
    'the account is not signed in yet. Sign in: `lorchestra accounts login ACCOUNT`, or set refresh_token in lorchestra.yaml',
  )
}

export const needsLogin = async ({
  options,
  secrets,
}: Pick<SourceContext<Options>, 'options' | 'secrets'>): Promise<boolean> =>
  options.auth === 'refresh_token' && options.refresh_token === undefined && (await secrets.get(NAME)) === undefined

interface StoredToken {
  readonly token: string
  /** The fingerprint of the token that was configured at that time. */
  readonly replaces?: string
}

export async function keepRefreshToken(
  secrets: SecretStore,
  configured: string | undefined,
  token: string,
): Promise<void> {
  await secrets.update(NAME, () => kept(configured, token))
}

const kept = (configured: string | undefined, token: string): string =>
  JSON.stringify({token, ...(configured !== undefined && {replaces: fingerprint(configured)})} satisfies StoredToken)

const fingerprint = (token: string): string => createHash('sha256').update(token).digest('hex')

function explain(reason: string): string | undefined {
  if (reason === 'invalid_grant')
    return (
      "Google refused the refresh token (invalid_grant). Usual causes: consent screen still in 'Testing' (tokens last 7 " +
      `days), password changed, access revoked, unused for 6 months, more than 100 tokens for this client. ${SIGN_IN}`
    )
  return explainClient(reason)
}

export function explainClient(reason: string): string | undefined {
  if (reason !== 'invalid_client' && reason !== 'unauthorized_client') return undefined
  return `Google refused the OAuth client (${reason}). Check client_id and client_secret`
}
