import type {HttpRequest} from 'lorchestra'

import type {Auth} from '../options/auth.ts'
import {authorizationByOAuth, type AuthorizationContext} from './access-token.ts'

/** What a request carries so that the service knows who asks. */
export interface Credentials {
  readonly authorization?: NonNullable<HttpRequest['authorization']>
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
}

export function credentialsFor(context: AuthorizationContext, auth: Auth): Credentials {
  switch (auth.type) {
    case 'none':
      return {}
    case 'bearer':
      return {authorization: async () => Promise.resolve(`${auth.scheme} ${auth.token}`)}
    case 'basic': {
      const encoded = Buffer.from(`${auth.user}:${auth.password}`).toString('base64')
      return {authorization: async () => Promise.resolve(`Basic ${encoded}`)}
    }
    case 'api_key':
      if (auth.in === 'query') return {query: {[auth.name]: auth.key}}
      if (auth.name.toLowerCase() === 'authorization') return {authorization: async () => Promise.resolve(auth.key)}
      return {headers: {[auth.name]: auth.key}}
    case 'oauth2_client_credentials':
    case 'oauth2_refresh_token':
      return {authorization: authorizationByOAuth(context, auth)}
  }
}
