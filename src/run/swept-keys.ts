/** A sweep listed so many keys, and so many of them were not stored. */
export interface SweptKeys {
  readonly listed: number
  readonly unknown: number
}
