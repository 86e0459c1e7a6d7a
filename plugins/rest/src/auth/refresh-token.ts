import {createHash} from 'node:crypto'

import type {SecretStore, SourceContext} from 'lorchestra'

import type {PersonalAuth} from '../options/auth.ts'
import {requestToken, type TokenAnswer} from './token-endpoint.ts'

/** Named as the option is, so that it stands in for it where its variable is not set. */
const NAME = 'auth.refresh_token'

interface StoredToken {
  readonly token: string
  /** The fingerprint of the token that was configured at that time. */
  readonly replaces?: string
}

/**
 * Exchanges the refresh token for an access token. A new refresh token that comes along is kept: so no other process exchanges the
 * same one meanwhile, and none is sent that could not be kept.
 */
export async function grantByRefreshToken(
  context: Pick<SourceContext<unknown>, 'http' | 'secrets'>,
  auth: PersonalAuth,
): Promise<TokenAnswer> {
  let answer: TokenAnswer | undefined
  await context.secrets.update(NAME, async (stored) => {
    const token = tokenIn(stored, auth.refresh_token)
    answer = await requestToken(context, auth, {grant_type: 'refresh_token', refresh_token: token})
    const rotated = answer.refreshToken
    return rotated === undefined || rotated === token ? undefined : kept(auth.refresh_token, rotated)
  })
  if (answer === undefined) throw new Error('the secrets of the account were not opened for the exchange')
  return answer
}

/** A token that the user sets anew wins over what was stored before. */
function tokenIn(stored: string | undefined, configured: string | undefined): string {
  if (stored !== undefined) {
    const {replaces, token} = JSON.parse(stored) as StoredToken
    if (configured === undefined || replaces === fingerprint(configured)) return token
  }
  if (configured !== undefined) return configured
  throw new Error(
    'the account is not signed in yet. Sign in: `lorchestra accounts login ACCOUNT`, or set refresh_token under auth',
  )
}

export const isSignedIn = async (auth: PersonalAuth, secrets: SecretStore): Promise<boolean> =>
  auth.refresh_token !== undefined || (await secrets.get(NAME)) !== undefined

export async function keepRefreshToken(secrets: SecretStore, auth: PersonalAuth, token: string): Promise<void> {
  await secrets.update(NAME, () => kept(auth.refresh_token, token))
}

const kept = (configured: string | undefined, token: string): string =>
  JSON.stringify({token, ...(configured !== undefined && {replaces: fingerprint(configured)})} satisfies StoredToken)

const fingerprint = (token: string): string => createHash('sha256').update(token).digest('hex')
