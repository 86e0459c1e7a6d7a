import type {HttpRequest, SourceContext} from 'lorchestra'

import {applicationOf, personOf, scopesFor, type Account} from './entra.ts'
import {explained} from './entra-error.ts'
import type {Options} from './options.ts'

type Context = Account & Pick<SourceContext<Options>, 'resolvePath'>

/** Gives the Authorization header of one request. MSAL keeps the token and renews it in time. */
export function authorizationFor(context: Context): NonNullable<HttpRequest['authorization']> {
  return async ({refused}) => `Bearer ${await accessToken(context, refused)}`
}

async function accessToken(context: Context, refused: boolean): Promise<string> {
  const {application, network} = await applicationOf(context)
  const scopes = scopesFor(context.options)
  try {
    const result =
      'acquireTokenByClientCredential' in application
        ? await application.acquireTokenByClientCredential({scopes, skipCache: refused})
        : await application.acquireTokenSilent({
            scopes,
            forceRefresh: refused,
            account: await personOf(application, context),
          })
    if (result !== null) return result.accessToken
  } catch (error) {
    context.signal.throwIfAborted()
    throw explained(network.failure ?? error)
  }
  throw new Error('Entra gave no token; check tenant_id and client_id')
}
