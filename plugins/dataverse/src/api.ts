import type {HttpRequest, HttpResponse, SourceContext} from 'lorchestra'

import {authorizationFor} from './authorization.ts'
import {cureFor} from './cures.ts'
import {isHttpError, isTooLarge, isUnexpected} from './http-error.ts'
import type {Options} from './options.ts'

const PATH = '/api/data/v9.2/'
// A query may take the server two minutes.
const TIMEOUT_MS = 180_000
/** An unexpected error passes by then, or the answer is too large. */
const UNEXPECTED_TRIES = 4

/** Gets an address below the Web API, or of a link that the server gave. The token goes nowhere but to `url`. */
export async function get(
  context: SourceContext<Options>,
  address: string | URL,
  {headers, ...request}: Pick<HttpRequest, 'headers' | 'allow' | 'maxBytes' | 'listInParts'> = {},
): Promise<HttpResponse> {
  const home = new URL(PATH, context.options.url)
  const url = new URL(address, home)
  if (url.origin !== home.origin)
    throw new Error(`the server gave a link to ${url.origin}, which is not ${home.origin}; it was not followed`)
  let unexpected = 0
  const retryable = (answer: HttpResponse): boolean | undefined => {
    if (isTooLarge(answer)) return false
    if (!isUnexpected(answer)) return undefined
    unexpected += 1
    return unexpected < UNEXPECTED_TRIES
  }
  try {
    return await context.http.request({
      url,
      authorization: authorizationFor(context),
      headers: {'odata-maxversion': '4.0', 'odata-version': '4.0', 'if-none-match': 'null', ...headers},
      timeout: TIMEOUT_MS,
      concurrencyHeader: 'x-ms-dop-hint',
      ...request,
      retryable,
    })
  } catch (error) {
    if (!isHttpError(error) || isTooLarge(error) || isUnexpected(error)) throw error
    const cure = cureFor(error, context.options)
    throw cure === undefined ? error : new Error(cure, {cause: error})
  }
}
