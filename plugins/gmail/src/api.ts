import type {HttpRequest, HttpResponse, JsonObject} from 'lorchestra'

import {authorizationFor} from './authorization.ts'
import type {AuthorizationContext} from './token-endpoint.ts'
import {isHttpError, reasonOf} from './http-error.ts'

type Request = Pick<HttpRequest, 'query' | 'allow' | 'signal' | 'units' | 'maxBytes'>

/** Gets a path below the mailbox. The access token goes nowhere but to `api_url`. */
export async function get(context: AuthorizationContext, path: string, request: Request): Promise<HttpResponse> {
  try {
    return await context.http.request({
      url: `${context.options.api_url.replace(/\/+$/, '')}/gmail/v1/users/me/${path}`,
      authorization: authorizationFor(context),
      ...request,
      retryable: (answer) => isPassing(answer.body),
    })
  } catch (error) {
    const next = isHttpError(error) ? nextStep(error.status ?? 0, error.body) : undefined
    throw next === undefined ? error : new Error(next, {cause: error})
  }
}

function nextStep(status: number, body: JsonObject | undefined): string | undefined {
  const again = status >= 500 || status === 408 || status === 429 || isPassing(body) === true
  return (
    NEXT_STEPS[isDelegationDenied(body) ? 'delegationDenied' : (reasonOf(body) ?? '')] ??
    (again ? 'Gmail is too busy. Run the same command again later; it goes on from what is stored' : undefined)
  )
}

/** Looks at the message, because Google has no reason of its own for it. */
function isDelegationDenied(body: JsonObject | undefined): boolean {
  const {message} = (body?.['error'] ?? {}) as {readonly message?: unknown}
  return typeof message === 'string' && message.startsWith('Delegation denied')
}

/** Gmail says 403 both for "not now" and for "never"; the reason tells which. */
function isPassing(body: JsonObject | undefined): boolean | undefined {
  const reason = reasonOf(body)
  if (reason === 'rateLimitExceeded' || reason === 'userRateLimitExceeded') return true
  return reason === 'dailyLimitExceeded' ? false : undefined
}

const NEXT_STEPS: Readonly<Record<string, string>> = {
  dailyLimitExceeded: "the project's daily Gmail quota is spent. Run the same command again tomorrow",
  insufficientPermissions:
    'the token lacks the scope gmail.readonly. Sign in again (`lorchestra accounts login ACCOUNT`), or have the scope granted to the service account',
  failedPrecondition: 'the service account has no mailbox of its own. Set subject to the user whose mailbox is read',
  delegationDenied: 'the credentials may not read this mailbox; subject must be the user whose mailbox it is',
  accessNotConfigured:
    'the Gmail API is not enabled. Enable it for the project of client_id in the Google Cloud console',
  authError:
    'Gmail refused the access token twice. Sign in again: `lorchestra accounts login ACCOUNT`, or check the service account',
  domainPolicy: 'the Workspace administrator has blocked this app. Ask for access for client_id',
}
