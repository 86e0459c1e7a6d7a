import type {JsonObject, SliceWindow} from 'lorchestra'

import type {Options} from './options.ts'

/**
 * Gmail's search knows whole seconds, and whether its ends count is not documented. So the search asks for a little more
 * on both sides, and `timeOf` decides.
 */
export function searchFor({query}: Options, {since, until}: Partial<SliceWindow>): string {
  const after = since === undefined ? undefined : `after:${Math.max(0, Math.floor(since.getTime() / 1000) - 1)}`
  const before = until === undefined ? undefined : `before:${Math.ceil(until.getTime() / 1000) + 1}`
  return [query === '' ? undefined : `(${query})`, after, before].filter((term) => term !== undefined).join(' ')
}

/** Tells when Gmail received the message, in milliseconds since 1970; what is imported may be of any year. */
export function timeOf({internalDate}: JsonObject): number | undefined {
  return typeof internalDate === 'string' && /^-?\d{1,15}$/.test(internalDate) ? Number(internalDate) : undefined
}

export const isInside = (time: number, {since, until}: Partial<SliceWindow>): boolean =>
  (until === undefined || time < until.getTime()) && (since === undefined || time >= since.getTime())

const MINUTE = 60_000
const DAY = 1440 * MINUTE

// Weakly by the job's options, so that no other job can meet it.
const began = new WeakMap<Options, number>()

/** Gives the time when the job was asked for the first time: none of its windows ends before that but by what the user says. */
export function beginningOf(options: Options): number {
  const beginning = began.get(options) ?? Date.now()
  began.set(options, beginning)
  return beginning
}

/**
 * Gives the times that a slice reads. Mail may be dated in the future, and then lies in no window until that day: the slice that
 * ends in the present has that as well, however long the run takes until it gets there.
 */
export function timesOf(window: SliceWindow, options: Options): readonly Partial<SliceWindow>[] {
  const {since, until} = window
  const beginning = beginningOf(options)
  if (until.getTime() < beginning - DAY) return [window]
  // The history tells what comes from its beginning on. What came before is read here, also by a clock that is ahead.
  if (options.sync === 'history' && until.getTime() >= beginning - MINUTE) return [since === undefined ? {} : {since}]
  // What has just come is the next run's.
  return [window, {since: new Date(Math.max(Date.now(), until.getTime()) + MINUTE)}]
}

const CLOCK_TOLERANCE = 10 * 60 * 1000

/** A slice that ends after Gmail's own present would cover mail that is yet to come, and no later run would look for it. */
export function assertNotInFuture({until}: SliceWindow, headers: Headers): void {
  const now = Date.parse(headers.get('date') ?? '')
  const ahead = until.getTime() - now
  if (Number.isNaN(now) || ahead <= CLOCK_TOLERANCE) return
  throw new Error(
    `the slice ends at ${until.toISOString()}, but Gmail says that it is ${new Date(now).toISOString()}. Set the clock of this machine and run the same command again`,
  )
}
