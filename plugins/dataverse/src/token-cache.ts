import {readFile} from 'node:fs/promises'

import type {ICachePlugin} from '@azure/msal-node'
import type {SecretStore, SourceContext} from 'lorchestra'

import type {Options} from './options.ts'

const NAME = 'msal_cache'

/** Keeps MSAL's token cache among the account's secrets, in its own layout, which is the same in all of its languages. */
export function cacheIn(secrets: SecretStore): ICachePlugin {
  let loaded: string | undefined
  return {
    beforeCacheAccess: async ({tokenCache}) => {
      loaded = await secrets.get(NAME)
      if (loaded !== undefined) tokenCache.deserialize(loaded)
    },
    afterCacheAccess: async ({cacheHasChanged, tokenCache}) => {
      if (!cacheHasChanged) return
      // What another process has stored meanwhile is as fresh as ours, and may be a new sign-in.
      await secrets.update(NAME, (current) =>
        current === undefined || current === loaded ? tokenCache.serialize() : current,
      )
    },
  }
}

/** An application signs itself in, and a cache of another tool may hold a person. */
export const needsLogin = async ({
  options,
  secrets,
}: Pick<SourceContext<Options>, 'options' | 'secrets'>): Promise<boolean> =>
  options.client_secret === undefined && options.token_cache === undefined && (await secrets.get(NAME)) === undefined

interface CacheLayout {
  readonly RefreshToken?: Readonly<Record<string, {readonly client_id?: string; readonly secret?: string}>>
}

/** Finds the refresh token in a cache that MSAL wrote in any language: they name their entries differently, and agree on what is in them. */
export async function refreshTokenIn(file: string, clientId: string): Promise<string> {
  const cache = parse(await readFile(file, 'utf8'))
  const token = Object.values(cache?.RefreshToken ?? {}).find(({client_id: id}) => id === clientId)?.secret
  if (token !== undefined) return token
  throw new Error(`token_cache: ${file} is not a token cache of MSAL in which somebody has signed in to ${clientId}`)
}

/** Gives an error no cause, because what JSON.parse says quotes the text. */
function parse(text: string): CacheLayout | undefined {
  try {
    return JSON.parse(text) as CacheLayout | undefined
  } catch {
    return undefined
  }
}
