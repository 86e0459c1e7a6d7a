/** A window is half open, `since <= t < until`, in milliseconds since 1970. A `since` of `-Infinity` reaches back to the very first record. */
export interface TimeWindow {
  readonly since: number
  readonly until: number
}

/** Makes one window of those that overlap or touch, and puts the oldest first. */
export function mergeWindows(windows: readonly TimeWindow[]): readonly TimeWindow[] {
  const merged: TimeWindow[] = []
  for (const window of windows.filter(isNotEmpty).toSorted((one, other) => compare(one.since, other.since))) {
    const last = merged.at(-1)
    if (last === undefined || window.since > last.until) merged.push(window)
    else merged[merged.length - 1] = {since: last.since, until: Math.max(last.until, window.until)}
  }
  return merged
}

/** Finds the end of the contiguous cover that begins at `start`; that is `start` itself where nothing covers it. */
export function cursorOf(start: number, covered: readonly TimeWindow[]): number {
  const first = mergeWindows(covered).find(({since, until}) => since <= start && until > start)
  return first?.until ?? start
}

/** Finds the parts of `range` that are not covered. */
export function uncovered(range: TimeWindow, covered: readonly TimeWindow[]): readonly TimeWindow[] {
  const gaps: TimeWindow[] = []
  let from = range.since
  for (const {since, until} of mergeWindows(covered)) {
    gaps.push({since: from, until: Math.min(since, range.until)})
    from = Math.max(from, until)
  }
  gaps.push({since: from, until: range.until})
  return gaps.filter(isNotEmpty)
}

/** Finds what a plain run reads: all gaps, each from `overlap` before it, never before the job's start. */
export function dueWindows(range: TimeWindow, covered: readonly TimeWindow[], overlap: number): readonly TimeWindow[] {
  const gaps = uncovered(range, covered)
  return mergeWindows(gaps.map(({since, until}) => ({since: Math.max(since - overlap, range.since), until})))
}

/** A window, as events tell it. */
export type WindowText = {readonly since: string | null; readonly until: string}

export const windowAsText = ({since, until}: TimeWindow): WindowText => ({
  since: Number.isFinite(since) ? new Date(since).toISOString() : null,
  until: new Date(until).toISOString(),
})

export const windowFrom = ({since, until}: WindowText): TimeWindow => ({
  since: since === null ? -Infinity : Date.parse(since),
  until: Date.parse(until),
})

/** Writes a window for a person. */
export function formatWindow(window: TimeWindow): string {
  const {since, until} = windowAsText(window)
  return since === null ? `everything before ${until}` : `${since} to ${until}`
}

const isNotEmpty = ({since, until}: TimeWindow): boolean => since < until

// Subtracting would give NaN for two infinities.
const compare = (one: number, other: number): number => (one === other ? 0 : one < other ? -1 : 1)
