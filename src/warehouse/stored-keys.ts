export interface KeyIndex {
  /** Answers with those of the keys that are stored. */
  has(idemKeys: readonly string[]): Promise<ReadonlySet<string>>
  /** Compares all stored keys with all that exist, and names up to `most` of each kind. Called once. */
  compareListed(listed: AsyncIterable<readonly string[]>, most: number): Promise<ComparedKeys>
  /** Finds what a second list of all that exist does not hold either, and no event tells of. Called once, after `compareListed`. */
  confirmGone(listed: AsyncIterable<readonly string[]>, most: number): Promise<ConfirmedGone>
  close(): void
}

export interface ComparedKeys {
  readonly listed: number
  readonly stored: number
  /** They are stored and were not listed. */
  readonly gone: SomeKeys
  /** The number of gone keys that no event tells of; 0 where the index was not asked to know. */
  readonly untold: number
  /** They were listed and are not stored. */
  readonly missing: SomeKeys
}

/** They are gone in two lists, and no event tells of them. */
export interface ConfirmedGone extends SomeKeys {
  /** The number of keys in the second list. */
  readonly listed: number
  /** All of them, some thousands at a time. */
  pages(): AsyncIterable<readonly string[]>
}

export interface SomeKeys {
  readonly count: number
  /** The first of them, in the order of their characters. */
  readonly keys: readonly string[]
}

const noKeys = (): Error => new Error('there are no stored keys to compare with')

/** The index of tables that are not there. */
export const NOTHING_KNOWN: KeyIndex = {
  has: () => Promise.resolve(new Set()),
  compareListed: () => Promise.reject(noKeys()),
  confirmGone: () => Promise.reject(noKeys()),
  close: () => undefined,
}
