export interface KeyIndex {
  /** Answers with those of the keys that are stored. */
  has(idemKeys: readonly string[]): Promise<ReadonlySet<string>>
  /** Compares all stored keys with all that exist, and names up to `most` of each kind. Called once. */
  compareListed(listed: AsyncIterable<readonly string[]>, most: number): Promise<ComparedKeys>
  close(): void
}

export interface ComparedKeys {
  readonly listed: number
  readonly stored: number
  /** They are stored and were not listed. */
  readonly gone: SomeKeys
  /** They were listed and are not stored. */
  readonly missing: SomeKeys
}

export interface SomeKeys {
  readonly count: number
  /** The first of them, in the order of their characters. */
  readonly keys: readonly string[]
}

/** The index of tables that are not there. */
export const NOTHING_KNOWN: KeyIndex = {
  has: () => Promise.resolve(new Set()),
  compareListed: () => Promise.reject(new Error('there are no stored keys to compare with')),
  close: () => undefined,
}
