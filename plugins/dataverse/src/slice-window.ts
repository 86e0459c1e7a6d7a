import type {SliceWindow} from 'lorchestra'

import type {Options} from './options.ts'

const SHORTEST_MS = 1000
const CLOCK_TOLERANCE_MS = 5 * 60_000
/** A window without a beginning is taken to begin here when it is halved; what is older stays in its first half. */
const ORIGIN = Date.parse('2000-01-01T00:00:00Z')

/** Selects the rows of the window, half open. Rows without the time are of the window that has no beginning. */
export function filterFor(
  {filter, cursor_field, full}: Options,
  window: SliceWindow | undefined,
  more: readonly string[] = [],
): string | undefined {
  const terms = filter === undefined ? [] : [`(${filter})`]
  if (window !== undefined && !full) {
    const {since, until} = window
    const before = `${cursor_field} lt ${until.toISOString()}`
    if (since === undefined) terms.push(`(${before} or ${cursor_field} eq null)`)
    else terms.push(`${cursor_field} ge ${since.toISOString()}`, before)
  }
  terms.push(...more)
  return terms.length === 0 ? undefined : terms.join(' and ')
}

export const DAY_MS = 86_400_000

// Weakly by the job's options, so that no other job can meet it.
const began = new WeakMap<Options, number>()

/** Gives the time when the job was asked for the first time: none of its windows ends before that but by what the user says. */
export function beginningOf(options: Options): number {
  const beginning = began.get(options) ?? Date.now()
  began.set(options, beginning)
  return beginning
}

/** Tells of the last slice of a run, however long the run takes until it gets there. */
export const endsInThePresent = ({until}: SliceWindow, options: Options): boolean =>
  until.getTime() >= beginningOf(options) - DAY_MS

/** Gives two windows that make up this one; `undefined` where it is too short. */
export function halves({since, until}: SliceWindow): readonly [SliceWindow, SliceWindow] | undefined {
  const begin = since?.getTime() ?? ORIGIN
  const middle = new Date(Math.floor((begin + until.getTime()) / 2))
  if (until.getTime() - begin < 2 * SHORTEST_MS) return undefined
  return [
    {...(since !== undefined && {since}), until: middle},
    {since: middle, until},
  ]
}

/**
 * Rows get their time from the server's clock, so a window that ends in the server's future would count as read before
 * its rows are there. The overlap makes up for a few minutes.
 */
export function assertServerIsAsFar({until}: SliceWindow, serverDate: string | null): void {
  const ahead = until.getTime() - Date.parse(serverDate ?? '')
  if (ahead > CLOCK_TOLERANCE_MS)
    throw new Error(
      `the clock of this machine is ${Math.round(ahead / 1000)} s ahead of the server's, so rows would be missed. Set it right`,
    )
}
