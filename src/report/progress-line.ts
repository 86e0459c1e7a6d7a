const NUMBER = new Intl.NumberFormat('en-US')
const DAY = 86_400_000

/** This is what one job has done so far. Times are milliseconds since 1970. */
export interface ProgressState {
  readonly job: string
  readonly startedAt: number
  readonly extracted: number
  readonly listed: number
  /** They count against the source's rate limit. */
  readonly units: number
  /** The number of records to extract, where the source has counted them. */
  readonly expected: number | undefined
  readonly waitingUntil: number | undefined
  /** The program that keeps the run from its warehouse. */
  readonly heldBy: string | undefined
}

/** Formats one line for a terminal, with times in its own zone. */
export function progressLine(state: ProgressState, now: number): string {
  const {job, startedAt, extracted, listed, units, expected, waitingUntil, heldBy} = state
  const perSecond = extracted / Math.max((now - startedAt) / 1000, 0.001)
  const parts = [
    `${NUMBER.format(extracted)} extracted${listed > 0 ? ` of ${NUMBER.format(listed)} listed` : ''}`,
    `${perSecond < 10 ? perSecond.toFixed(1) : NUMBER.format(Math.round(perSecond))}/s`,
  ]
  if (units > 0) parts.push(`${NUMBER.format(units)} units used`)
  if (expected !== undefined && expected > extracted && extracted > 0) {
    parts.push(`done about ${timeOfDay(now + ((expected - extracted) / perSecond) * 1000, now).slice(0, -3)}`)
  }
  if (waitingUntil !== undefined && waitingUntil > now) {
    parts.push(`waiting for quota until ${timeOfDay(waitingUntil, now)}`)
  }
  if (heldBy !== undefined) parts.push(`waiting for ${heldBy} to close the database`)
  return `${job}: ${parts.join(', ')}`
}

export const progressOfSeveral = (states: readonly ProgressState[]): string =>
  `${states.length} jobs: ${states.map(({job, extracted}) => `${job} ${NUMBER.format(extracted)}`).join(', ')} extracted`

function timeOfDay(instant: number, now: number): string {
  const local = new Date(instant - new Date(instant).getTimezoneOffset() * 60_000).toISOString()
  return instant - now < DAY / 2 ? local.slice(11, 19) : local.slice(0, 19).replace('T', ' ')
}
