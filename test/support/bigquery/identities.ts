import {randomUUID} from 'node:crypto'
import {writeFile} from 'node:fs/promises'
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const LIFETIME = 3600

/** A stub of Google's token service and of IAM Credentials, which answer in the shapes of Google's. */
export interface Identities {
  readonly url: string
  /** Service accounts that the credentials may not act as. */
  readonly forbidden: Set<string>
  /** IAM Credentials is not enabled in the project of the credentials. */
  isDisabled: boolean
  /** Tokens that were given out, oldest first. */
  readonly tokensOf: readonly string[]
  /** The service account that has the token of this header. */
  whoIs(authorization: string | undefined): string | undefined
  /** Writes credentials, of an account of another provider, whose tokens this service exchanges. */
  credentialsFile(folder: string): Promise<string>
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly json: object
}

export async function startIdentities(): Promise<Identities> {
  const callers = new Set<string>()
  const accounts = new Map<string, string>()
  const tokensOf: string[] = []
  const forbidden = new Set<string>()
  const server = createServer((incoming, outgoing) => void respond(incoming, outgoing))
  const identities: Identities = {
    url: '',
    forbidden,
    isDisabled: false,
    tokensOf,
    whoIs: (authorization = '') => accounts.get(authorization.replace(/^Bearer /, '')),
    credentialsFile: async (folder) => {
      const [file, token] = [join(folder, 'credentials.json'), join(folder, 'token')]
      await writeFile(token, 'a token of another provider')
      const credentials = {
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `${identities.url}/v1/token`,
        credential_source: {file: token},
      }
      await writeFile(file, JSON.stringify(credentials))
      return file
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }

  function exchanged(form: URLSearchParams): Answer {
    if (form.get('scope') !== SCOPE || form.get('subject_token') !== 'a token of another provider')
      return {status: 400, json: {error: 'invalid_request', error_description: 'no token for that'}}
    const token = randomUUID()
    callers.add(token)
    const issued = 'urn:ietf:params:oauth:token-type:access_token'
    return {
      status: 200,
      json: {access_token: token, issued_token_type: issued, token_type: 'Bearer', expires_in: LIFETIME},
    }
  }

  function impersonated(account: string, authorization: string, body: {readonly lifetime?: string}): Answer {
    if (!callers.has(authorization.replace(/^Bearer /, ''))) return refusal(401, 'UNAUTHENTICATED', 'no credentials')
    if (identities.isDisabled)
      return refusal(403, 'PERMISSION_DENIED', 'the API has not been used in project 1', 'SERVICE_DISABLED')
    if (forbidden.has(account)) {
      const message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
      return refusal(403, 'PERMISSION_DENIED', message, 'IAM_PERMISSION_DENIED')
    }
    const token = randomUUID()
    accounts.set(token, account)
    tokensOf.push(account)
    const seconds = Number.parseInt(body.lifetime ?? String(LIFETIME), 10)
    const expireTime = new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
    return {status: 200, json: {accessToken: token, expireTime}}
  }

  async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await text(incoming)
    const account = /^\/v1\/projects\/-\/serviceAccounts\/([^:]+):generateAccessToken$/.exec(incoming.url ?? '')?.[1]
    const {status, json} =
      account === undefined
        ? exchanged(new URLSearchParams(body))
        : impersonated(decodeURIComponent(account), incoming.headers.authorization ?? '', JSON.parse(body) as object)
    outgoing.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(json))
  }

  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  return Object.assign(identities, {url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`})
}

function refusal(code: number, status: string, message: string, reason?: string): Answer {
  const info = {'@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'iam.googleapis.com'}
  const details = reason === undefined ? {} : {details: [info]}
  return {status: code, json: {error: {code, message, status, ...details}}}
}
