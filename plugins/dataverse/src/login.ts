import type {LoginContext} from 'lorchestra'

import {applicationOf, scopesFor, whoSignedIn} from './entra.ts'
import {explained} from './entra-error.ts'
import type {Options} from './options.ts'

/** Signs in by the device code flow: a person enters a code in any browser, on any machine. Never begun in a run. */
export async function login(context: LoginContext<Options>): Promise<void> {
  const {application, network} = await applicationOf(context)
  if (!('acquireTokenByDeviceCode' in application))
    throw new Error('this account signs in with its client_secret, so no person has to. Remove it to sign in yourself')
  let opened: Promise<void> | undefined
  const request = {
    scopes: scopesFor(context.options),
    cancel: false,
    deviceCodeCallback: ({userCode, verificationUri}: {userCode: string; verificationUri: string}): void => {
      context.tell(`Enter the code ${userCode} at ${verificationUri}`)
      opened = context.open(new URL(verificationUri))
      // Told when the person has signed in, or not; until then they may use any other browser.
      opened.catch(() => undefined)
    },
  }
  const signedIn = application.acquireTokenByDeviceCode(request)
  const result = await untilAborted(signedIn, context.signal, () => {
    request.cancel = true
  }).catch((error: unknown) => {
    context.signal.throwIfAborted()
    throw explained(network.failure ?? error)
  })
  await opened
  const {homeAccountId, username} = whoSignedIn(result)
  const cache = application.getTokenCache()
  for (const other of await cache.getAllAccounts())
    if (other.homeAccountId !== homeAccountId) await cache.removeAccount(other)
  context.tell(`Signed in as ${username}`)
}

/** MSAL looks at `cancel` only when it polls again. */
async function untilAborted<Value>(waitedFor: Promise<Value>, signal: AbortSignal, cancel: () => void): Promise<Value> {
  signal.throwIfAborted()
  return new Promise<Value>((resolve, reject) => {
    const onAbort = (): void => {
      cancel()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, {once: true})
    waitedFor.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
