import {get} from './api.ts'
import type {AuthorizationContext} from './token-endpoint.ts'

/** Tells whose mailbox it is, which stays unknown where the server has no profiles: Gmail has, a local stand-in may not. */
export async function mailboxOf(context: AuthorizationContext): Promise<{readonly identity: string} | undefined> {
  const {status, body} = await get(context, 'profile', {allow: [404]})
  if (status === 404) return undefined
  const {emailAddress} = body
  if (typeof emailAddress !== 'string' || emailAddress === '')
    throw new Error('the answer of getProfile holds no emailAddress; check that api_url is the Gmail API')
  return {identity: emailAddress}
}
