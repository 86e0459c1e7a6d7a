import type {Capability} from '../model/capability.ts'

/** The source that an account or a job reads. */
export interface BoxOwner {
  readonly sourceName: string
  readonly account?: string | undefined
  /** Name of the job; the box is the job's where it has no account. */
  readonly name?: string | undefined
  readonly options: Readonly<Record<string, unknown>>
  readonly allow: readonly Capability[]
}
