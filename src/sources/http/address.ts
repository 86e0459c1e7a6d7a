import {isSafeAddress} from '../../base/safe-address.ts'
import type {HttpRequest} from '../../source.ts'
import {HttpError} from './http-error.ts'

/** Throws for an address that credentials and answers must not travel to in the open. */
export function addressOf({url: address, query = {}}: HttpRequest): URL {
  const url = URL.canParse(String(address)) ? new URL(address) : undefined
  if (url === undefined) throw new HttpError('not an address; check the URLs in the options')
  if (!isSafeAddress(url))
    throw new HttpError(`${url.protocol}//${url.host}: only https is allowed, and http to this machine itself`)
  if (url.username !== '' || url.password !== '')
    throw new HttpError(`${url.protocol}//${url.host}: an address must not hold a user name or a password`)
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== undefined) url.searchParams.append(name, String(one))
  }
  return url
}
