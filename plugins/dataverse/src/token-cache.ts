import {readFile} from 'node:fs/promises'

import type {ICachePlugin, TokenCacheContext} from '@azure/msal-node'
import type {SecretStore} from 'lorchestra'

const NAME = 'msal_cache'

/**
 * MSAL's token cache in its own layout, which is the same in all of its languages. `file` is one that another tool wrote;
 * it is read where nothing is stored yet, and never written.
 */
export function cacheIn(secrets: SecretStore, file: string | undefined): ICachePlugin {
  let loaded: string | undefined
  return {
    beforeCacheAccess: async ({tokenCache}) => {
      loaded = await secrets.get(NAME)
      const text = loaded ?? (file === undefined ? undefined : await readFile(file, 'utf8'))
      if (text !== undefined) load(text, tokenCache)
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

function load(text: string, tokenCache: TokenCacheContext['tokenCache']): void {
  try {
    tokenCache.deserialize(text)
  } catch {
    // The error would quote the text.
    throw new Error('the token cache is not one of MSAL. Sign in again: lorchestra accounts login')
  }
}
