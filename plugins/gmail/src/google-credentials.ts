import {readFile} from 'node:fs/promises'

import type {OAuth2ClientOptions} from 'google-auth-library'
import type {HttpClient, JsonObject} from 'lorchestra'

import type {Options} from './options.ts'
import {checkedAccessToken, lifetimeEnd, type AuthorizationContext, type TokenAnswer} from './token-endpoint.ts'

const SCOPES = ['https://www.googleapis.com/auth/gmail.readonly']
/** Google's library sends its forms here; `token_url` takes its place. */
const LIBRARY_TOKEN_URL = 'https://oauth2.googleapis.com/token'

/** Gets a token for the mailbox of `subject` with the key of a service account with domain-wide delegation. */
export async function grantByServiceAccount(context: AuthorizationContext): Promise<TokenAnswer> {
  const {service_account_file: file = '', subject} = context.options
  const {email, key} = await readKey(context.resolvePath?.(file) ?? file)
  const {JWT} = await import('google-auth-library')
  const client = new JWT({email, key, scopes: SCOPES, ...(subject !== undefined && {subject}), ...through(context)})
  return tokenOf(client, context.options)
}

/** Gets a token with what `gcloud auth application-default login` or GOOGLE_APPLICATION_CREDENTIALS left on this machine. */
export async function grantByApplicationDefault(context: AuthorizationContext): Promise<TokenAnswer> {
  const {subject} = context.options
  const {GoogleAuth, JWT, UserRefreshClient} = await import('google-auth-library')
  const auth = new GoogleAuth({
    scopes: SCOPES,
    // Not needed for Gmail; without it the library would start gcloud to find out.
    projectId: 'none',
    clientOptions: {...(subject !== undefined && {subject}), ...through(context)},
  })
  const client = await auth.getClient().catch((error: unknown) => {
    throw new Error(
      'there are no usable application default credentials on this machine. Run `gcloud auth application-default login ' +
        `--client-id-file=CLIENT.json --scopes=${SCOPES.join()},https://www.googleapis.com/auth/cloud-platform\`, or set ` +
        'GOOGLE_APPLICATION_CREDENTIALS',
      {cause: error},
    )
  })
  if (client instanceof JWT || client instanceof UserRefreshClient) return tokenOf(client, context.options)
  throw new Error(
    'the application default credentials are of a kind that has no mailbox. Use those of a person, or the key of a ' +
      'service account with subject',
  )
}

interface TokenClient {
  readonly credentials: {expiry_date?: number | null}
  getAccessToken(): Promise<{token?: string | null}>
}

async function tokenOf(client: TokenClient, options: Options): Promise<TokenAnswer> {
  let token: unknown
  try {
    token = (await client.getAccessToken()).token
  } catch (error) {
    throw explained(error, options)
  }
  return {accessToken: checkedAccessToken(token), renewAt: lifetimeEnd(client.credentials.expiry_date ?? undefined)}
}

/** Makes Google's library send its requests through the host: its timeouts, its masks, and its end at Ctrl-C. */
function through({http, options}: AuthorizationContext): OAuth2ClientOptions {
  const fetchImplementation = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const address = input instanceof Request ? input.url : String(input)
    return asResponse(http, address === LIBRARY_TOKEN_URL ? options.token_url : address, init)
  }
  return {transporterOptions: {fetchImplementation, retryConfig: {retry: 0, noResponseRetries: 0}, retry: false}}
}

async function asResponse(http: HttpClient, url: string, init: RequestInit | undefined): Promise<Response> {
  const body = init?.body
  const form = body instanceof URLSearchParams || typeof body === 'string' ? new URLSearchParams(body) : undefined
  const answer = await http.request({
    url,
    ...(form !== undefined && {form: Object.fromEntries(form)}),
    // The library reads the reason in them.
    allow: [400, 401, 403],
  })
  return Response.json(answer.body, {status: answer.status})
}

async function readKey(path: string): Promise<{readonly email: string; readonly key: string}> {
  const wrong = `${path} is not the JSON key of a service account. Make one in the Google Cloud console (IAM, Service accounts, Keys)`
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new Error('service_account_file cannot be read', {cause: error})
  }
  const {type, client_email: email, private_key: key} = parse(text, wrong)
  if (type !== 'service_account' || typeof email !== 'string' || typeof key !== 'string') throw new Error(wrong)
  return {email, key}
}

/** Throws an error without a cause, because what JSON.parse says quotes the text. */
function parse(text: string, wrong: string): JsonObject {
  try {
    return (JSON.parse(text) ?? {}) as JsonObject
  } catch {
    throw new Error(wrong)
  }
}

function explained(error: unknown, {subject}: Options): unknown {
  const answer = (error as {response?: {data?: JsonObject}} | null)?.response?.data
  const [reason, description] = [answer?.['error'], answer?.['error_description']]
  // Not with the library's own error as the cause: it holds the form.
  if (typeof reason !== 'string') return (error as {cause?: unknown} | null)?.cause ?? error
  const said = typeof description === 'string' ? `${reason}: ${description}` : reason
  const user = subject === undefined ? '' : ` for ${subject}`
  const cure = CURES[reason] ?? 'Check the credentials'
  return new Error(
    `Google refused the credentials${user} (${said.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 300)}). ${cure}`,
  )
}

const CURES: Readonly<Record<string, string>> = {
  unauthorized_client:
    'The service account has no domain-wide delegation for this scope. A Workspace administrator grants it: Admin ' +
    `console, Security, API controls, Domain-wide delegation, with the client id of the service account and ${SCOPES.join()}`,
  access_denied: 'The Workspace administrator does not allow it; ask for domain-wide delegation',
  invalid_grant:
    'Usual causes: subject is no user of the Workspace domain, the key was deleted or disabled, the sign-in was revoked ' +
    'or has expired, the clock of this machine is wrong',
  invalid_client: 'The key or the client was deleted. Make a new one',
}
