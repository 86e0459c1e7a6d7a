/** What the service itself says of the rights of runs that write one table set, or nothing. */
export interface Rights {
  /** They have all rights that they need, and no right to write anything else. */
  readonly isProved: boolean
  readonly found: string
  /** The next step of the user where it is not proved. */
  readonly next?: string
}
