import {createHash} from 'node:crypto'

import type {SecretStore} from 'lorchestra'

const NAME = 'refresh_token'

/**
 * The token that the service gave last, if it descends from the configured one; a user who configures a new token
 * must not be held back by a stored one.
 */
export async function refreshTokenOf(secrets: SecretStore, configured: string): Promise<string> {
  const stored = await secrets.get(NAME)
  if (stored === undefined) return configured
  const {origin, token} = JSON.parse(stored) as {origin?: string; token?: string}
  return origin === fingerprint(configured) && token !== undefined ? token : configured
}

export async function keepRefreshToken(secrets: SecretStore, configured: string, token: string): Promise<void> {
  await secrets.update(NAME, () => JSON.stringify({origin: fingerprint(configured), token}))
}

const fingerprint = (token: string): string => createHash('sha256').update(token).digest('hex')
