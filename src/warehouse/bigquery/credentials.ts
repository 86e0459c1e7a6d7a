import type {AuthClient} from 'google-auth-library'

import {failure} from '../../base/errors.ts'
import {throughProxy} from '../../base/proxy.ts'
import {hasCode} from '../../base/system-error.ts'
import {ServiceError} from './service-error.ts'

const VARIABLE = 'GOOGLE_APPLICATION_CREDENTIALS'
const RENEW = `Run \`gcloud auth application-default login\` again, or name a good key file in ${VARIABLE}.`
const TOKENS = new URL('https://oauth2.googleapis.com')
const SCOPE = 'https://www.googleapis.com/auth/bigquery'

/** Finds the Application Default Credentials, or those of a file. No error quotes what is in them. */
export async function googleCredentials(file: string | undefined): Promise<AuthClient> {
  const {GoogleAuth} = await import('google-auth-library')
  // The library looks into the environment of the process alone, and .env may have named the file.
  if (file !== undefined) process.env[VARIABLE] = file
  try {
    return await new GoogleAuth({scopes: [SCOPE]}).getClient()
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
    const {status, asked} = tokenAnswer(error)
    if (asked && (status === undefined || status >= 500)) {
      throw new ServiceError({
        what: 'renewing the token',
        reason: `Google could not be asked${throughProxy(TOKENS)}`,
        ambiguous: true,
      })
    }
    throw failure(
      status === undefined
        ? 'the Google Cloud credentials are malformed'
        : `Google refused the credentials (${status})`,
      {code: 'E_CREDENTIALS_INVALID', next: RENEW},
    )
  }
}

/** The status is missing where there was no answer. */
function tokenAnswer(error: unknown): {readonly asked: boolean; readonly status: number | undefined} {
  const {config, response} = error as {config?: unknown; response?: {status?: unknown}}
  const status = response?.status
  return {asked: config !== undefined, status: typeof status === 'number' ? status : undefined}
}
