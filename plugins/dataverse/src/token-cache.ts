import {readFile} from 'node:fs/promises'

import type {ICachePlugin, TokenCacheContext} from '@azure/msal-node'
import type {SecretStore, SourceContext} from 'lorchestra'

import type {Options} from './options.ts'

const NAME = 'msal_cache'

/** Keeps MSAL's token cache among the account's secrets, in its own layout, which is the same in all of its languages. */
export class TokenCache implements ICachePlugin {
  readonly #secrets: SecretStore
  /** The cache while no other process can change it. */
  #held: {text: string | undefined} | undefined
  #loaded: string | undefined

  constructor(secrets: SecretStore) {
    this.#secrets = secrets
  }

  /** Has `exchange` read and change the cache, while no other process can and after it was seen that it can be stored. */
  async locked<Result>(exchange: () => Promise<Result>): Promise<Result> {
    let outcome: {readonly result: Result} | undefined
    await this.#secrets.update(NAME, async (text) => {
      const held = {text}
      this.#held = held
      try {
        outcome = {result: await exchange()}
      } finally {
        this.#held = undefined
      }
      return held.text
    })
    if (outcome === undefined) throw new Error('the secrets of the account were not opened for the exchange')
    return outcome.result
  }

  async beforeCacheAccess({tokenCache}: TokenCacheContext): Promise<void> {
    this.#loaded = this.#held === undefined ? await this.#secrets.get(NAME) : this.#held.text
    if (this.#loaded !== undefined) tokenCache.deserialize(this.#loaded)
  }

  async afterCacheAccess({cacheHasChanged, tokenCache}: TokenCacheContext): Promise<void> {
    if (!cacheHasChanged) return
    if (this.#held === undefined) await this.#secrets.update(NAME, () => tokenCache.serialize())
    else this.#held.text = tokenCache.serialize()
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
