import {createHash, randomBytes} from 'node:crypto'

import type {LoginContext} from 'lorchestra'

import {mailboxOf} from './check.ts'
import type {Options} from './options.ts'
import {listenForRedirect} from './redirect.ts'
import {clientOf, explainClient, keepRefreshToken} from './refresh-token.ts'
import {requestToken} from './token-endpoint.ts'

const SCOPE = 'https://www.googleapis.com/auth/gmail.readonly'

/**
 * Gets a refresh token through the browser: the authorization code flow for installed apps with PKCE.
 * https://developers.google.com/identity/protocols/oauth2/native-app
 */
export async function login(context: LoginContext<Options>): Promise<void> {
  const {options, secrets, signal} = context
  if (options.auth !== 'refresh_token') throw new Error(`auth: ${options.auth} needs no login; just run its jobs`)
  const state = randomText()
  const verifier = randomText()
  const redirect = await listenForRedirect(state, signal)
  let refreshToken: string
  try {
    context.tell(
      `Google sends the browser back to ${redirect.address}. If it runs on another machine, forward that port first: ` +
        `ssh -L ${portOf(redirect.address)}:127.0.0.1:${portOf(redirect.address)} HOST`,
    )
    await context.open(authorizationAddress(options, redirect.address, state, verifier))
    refreshToken = await exchange(context, await redirect.code, redirect.address, verifier)
  } finally {
    redirect.close()
  }
  await keepRefreshToken(secrets, options.refresh_token, refreshToken)
  const mailbox = await mailboxOf(context)
  if (mailbox !== undefined) context.tell(`This is the mailbox of ${mailbox.identity}.`)
}

const randomText = (): string => randomBytes(32).toString('base64url')

const portOf = (address: string): string => new URL(address).port

function authorizationAddress(options: Options, redirectAddress: string, state: string, verifier: string): URL {
  const url = new URL(options.authorization_url)
  const parameters = {
    client_id: clientOf(options).client_id,
    redirect_uri: redirectAddress,
    response_type: 'code',
    scope: SCOPE,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    access_type: 'offline',
    // Google gives a refresh token only to a person who has just been asked.
    prompt: 'select_account consent',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}

async function exchange(
  context: LoginContext<Options>,
  code: string,
  redirectAddress: string,
  verifier: string,
): Promise<string> {
  const {refreshToken, scopes} = await requestToken(
    context,
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectAddress,
      ...clientOf(context.options),
      code_verifier: verifier,
    },
    (reason) =>
      reason === 'invalid_grant'
        ? 'Google did not accept the answer of the browser (invalid_grant): it was too old or used twice. Sign in again'
        : explainClient(reason),
  )
  if (scopes !== undefined && !scopes.includes(SCOPE))
    throw new Error('reading mail was not allowed. Sign in again and tick the box that lets this app view your email')
  if (refreshToken === undefined)
    throw new Error('Google gave no refresh token. Check that client_id is an OAuth client of the type Desktop app')
  return refreshToken
}
