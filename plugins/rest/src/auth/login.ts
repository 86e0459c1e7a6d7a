import {createHash, randomBytes} from 'node:crypto'

import type {LoginContext} from 'lorchestra'

import type {PersonalAuth} from '../options/auth.ts'
import type {Options} from '../options/shape.ts'
import {accountOptions} from '../settings.ts'
import {listenForRedirect} from './redirect.ts'
import {keepRefreshToken} from './refresh-token.ts'
import {requestToken} from './token-endpoint.ts'

/** Gets a refresh token through the browser: the authorization code flow with PKCE (RFC 6749, 7636, 8252). */
export async function login(context: LoginContext<Options>): Promise<void> {
  const {secrets, signal} = context
  const {auth} = accountOptions(context.options)
  if (auth?.type !== 'oauth2_refresh_token')
    throw new Error(`auth: ${auth?.type ?? 'none'} needs no login; just run its jobs`)
  if (auth.authorization_url === undefined)
    throw new Error('authorization_url under auth is missing: the address where a person signs in')
  const [state, verifier] = [randomText(), randomText()]
  const redirect = await listenForRedirect(state, auth.redirect_port ?? 0, signal)
  let refreshToken: string | undefined
  try {
    const {port} = new URL(redirect.address)
    context.tell(
      `The service sends the browser back to ${redirect.address}. If it runs on another machine, forward that port first: ssh -L ${port}:127.0.0.1:${port} HOST`,
    )
    await context.open(authorizationAddress(auth, auth.authorization_url, redirect.address, state, verifier))
    const form = {
      grant_type: 'authorization_code',
      code: await redirect.code,
      redirect_uri: redirect.address,
      code_verifier: verifier,
    }
    ;({refreshToken} = await requestToken(context, auth, form))
  } finally {
    redirect.close()
  }
  if (refreshToken === undefined)
    throw new Error(
      'the service gave no refresh token; it may want a scope (offline_access, say) or authorization_params',
    )
  await keepRefreshToken(secrets, auth, refreshToken)
}

const randomText = (): string => randomBytes(32).toString('base64url')

function authorizationAddress(
  {client_id, scope, authorization_params}: PersonalAuth,
  address: string,
  redirectAddress: string,
  state: string,
  verifier: string,
): URL {
  const url = new URL(address)
  const parameters = {
    ...authorization_params,
    client_id,
    redirect_uri: redirectAddress,
    response_type: 'code',
    ...(scope !== undefined && {scope}),
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}
