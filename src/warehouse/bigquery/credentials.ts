import type {AuthClient} from 'google-auth-library'

import {failure} from '../../base/errors.ts'
import {throughProxy} from '../../base/proxy.ts'
import {hasCode} from '../../base/system-error.ts'
import {ServiceError} from './service-error.ts'

const VARIABLE = 'GOOGLE_APPLICATION_CREDENTIALS'
const RENEW = `Run \`gcloud auth application-default login\` again, or name a good key file in ${VARIABLE}.`
const TOKENS = new URL('https://oauth2.googleapis.com')
const SCOPE = 'https://www.googleapis.com/auth/bigquery'
/** IAM gives out tokens of service accounts to credentials of this scope. */
const SCOPE_OF_IAM = 'https://www.googleapis.com/auth/cloud-platform'

export interface Identity {
  /** It names a file; Application Default Credentials are taken where it is left out. */
  readonly credentialsFile?: string
  /** The service account that they stand in for. Missing: they are used themselves. */
  readonly identity?: string
  /** It is the origin of IAM Credentials, where that is another than Google's own. */
  readonly iamEndpoint?: string
}

export async function credentialsOf(projectId: string, of: Identity): Promise<AuthClient> {
  const {credentialsFile, identity, iamEndpoint} = of
  if (identity === undefined) return googleCredentials(projectId, credentialsFile, SCOPE)
  const sourceClient = await googleCredentials(projectId, credentialsFile, SCOPE_OF_IAM)
  const {Impersonated} = await import('google-auth-library')
  return withoutWarning(
    () =>
      new Impersonated({
        sourceClient,
        targetPrincipal: identity,
        targetScopes: [SCOPE],
        ...(iamEndpoint !== undefined && {endpoint: iamEndpoint}),
      }),
  )
}

/** The library warns on the console of addresses in files of strangers; these come from lorchestra.yaml. */
function withoutWarning<Made>(make: () => Made): Made {
  const printer = globalThis.console
  const warn = printer.warn.bind(printer)
  printer.warn = () => undefined
  try {
    return make()
  } finally {
    printer.warn = warn
  }
}

/** Finds the Application Default Credentials, or those of a file. No error quotes what is in them. */
async function googleCredentials(projectId: string, file: string | undefined, scope: string): Promise<AuthClient> {
  const {GoogleAuth} = await import('google-auth-library')
  // The library looks into the environment of the process alone, and .env may have named the file.
  if (file !== undefined) process.env[VARIABLE] = file
  try {
    // The project is named, or the library would ask another service for that of some credentials.
    return await new GoogleAuth({scopes: [scope], projectId}).getClient()
  } catch (error) {
    if (file === undefined) {
      throw failure('there are no Google Cloud credentials', {
        code: 'E_CREDENTIALS_MISSING',
        next: `Run \`gcloud auth application-default login\`, or set ${VARIABLE} to a key file.`,
      })
    }
    const named = `the file ${file}, which ${VARIABLE} names,`
    throw hasCode(error, 'ENOENT')
      ? failure(`${named} is not there`, {code: 'E_CREDENTIALS_MISSING', next: RENEW})
      : failure(`${named} does not hold Google Cloud credentials`, {code: 'E_CREDENTIALS_INVALID', next: RENEW})
  }
}

/** An emulator is sent none. */
export async function noCredentials(): Promise<AuthClient> {
  const {PassThroughClient} = await import('google-auth-library')
  return new PassThroughClient()
}

/** Renews the token where it is due. */
export async function authorizationOf(credentials: AuthClient): Promise<Headers> {
  try {
    return new Headers(await credentials.getRequestHeaders())
  } catch (error) {
    const {status, asked, identity, isDisabled} = tokenAnswer(error)
    if (asked && (status === undefined || status >= 500)) {
      throw new ServiceError({
        what: 'renewing the token',
        reason: `Google could not be asked${throughProxy(TOKENS)}`,
        ambiguous: true,
      })
    }
    if (identity !== undefined) throw notImpersonated(identity, status, isDisabled)
    throw failure(
      status === undefined
        ? 'the Google Cloud credentials are malformed'
        : `Google refused the credentials (${status})`,
      {code: 'E_CREDENTIALS_INVALID', next: RENEW},
    )
  }
}

const notImpersonated = (identity: string, status: number | undefined, isDisabled: boolean): Error =>
  failure(`the credentials may not act as ${identity}${status === undefined ? '' : ` (${status})`}`, {
    code: 'E_PERMISSION_DENIED',
    next: isDisabled
      ? 'Enable the API in the project of the credentials: gcloud services enable iamcredentials.googleapis.com --project PROJECT'
      : `Look whether the account is there, and let them: gcloud iam service-accounts add-iam-policy-binding ${identity} --member MEMBER --role roles/iam.serviceAccountTokenCreator`,
  })

interface TokenAnswer {
  readonly asked: boolean
  /** It is missing where there was no answer. */
  readonly status: number | undefined
  /** IAM was asked for a token of this service account. */
  readonly identity: string | undefined
  readonly isDisabled: boolean
}

interface TokenFailure {
  readonly config?: {readonly url?: unknown}
  readonly response?: {readonly status?: unknown; readonly data?: unknown}
}

function tokenAnswer(error: unknown): TokenAnswer {
  const {config, response} = error as TokenFailure
  const status = response?.status
  return {
    asked: config !== undefined,
    status: typeof status === 'number' ? status : undefined,
    identity: /\/serviceAccounts\/([^/:]+):generateAccessToken$/.exec(String(config?.url))?.[1],
    isDisabled: /"SERVICE_DISABLED"/.test(JSON.stringify(response?.data ?? null)),
  }
}
