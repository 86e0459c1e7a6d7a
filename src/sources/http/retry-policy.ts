import type {Failure} from './answer.ts'

/** This became of a request before the try that failed. */
export interface RequestState {
  /** Tries that failed; those after which the authorization was renewed are not counted. */
  readonly failures: number
  readonly authorized: boolean
  /** Whether the authorization was renewed already. */
  readonly renewed: boolean
}

export interface RetryLimits {
  /** Tries that may fail, but for those that a quota refuses: it is waited for as long as the time of a request allows. */
  readonly maxTries: number
  /** Milliseconds; the bound of the first wait, which doubles with each failure. */
  readonly firstBackoff: number
}

export type Retry =
  | {readonly action: 'renew authorization'}
  /** All requests of the account wait, and share one backoff. */
  | {readonly action: 'pause account'}
  /** The wait takes anything up to `atMost` milliseconds. */
  | {readonly action: 'wait'; readonly atMost: number}
  /** `note` says why, where the failure alone does not. */
  | {readonly action: 'give up'; readonly note: string}

const MAX_ODD_ANSWERS = 3
const LONGEST_BACKOFF = 64_000

/** Decides what follows a failed try. */
export function retryAfter(
  failure: Pick<Failure, 'status' | 'retry' | 'oddAnswer' | 'pausesAll'>,
  {failures, authorized, renewed}: RequestState,
  {maxTries, firstBackoff}: RetryLimits,
): Retry {
  if (failure.status === 401 && authorized && !renewed) return {action: 'renew authorization'}
  if (!failure.retry) return {action: 'give up', note: ''}
  if (failure.pausesAll === true) return {action: 'pause account'}
  const tries = failures + 1
  const enough = failure.oddAnswer === true ? MAX_ODD_ANSWERS : maxTries
  if (tries >= enough) return {action: 'give up', note: `; gave up after ${tries} tries`}
  return {action: 'wait', atMost: backoffBound(firstBackoff, tries)}
}

/** Doubles the bound of the wait, in milliseconds, with each failure in a row. */
export const backoffBound = (first: number, failures: number): number =>
  Math.min(LONGEST_BACKOFF, first * 2 ** (failures - 1))

/** Draws a wait with full jitter: clients that failed together must not come back together. */
export const jittered = (bound: number): number => Math.round(Math.random() * bound)
