import type {Screen} from '../base/screen.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Writes a span of time in its largest unit, as in `3 h`. */
export function ageOf(milliseconds: number): string {
  if (milliseconds < HOUR) return `${Math.max(1, Math.round(milliseconds / MINUTE))} min`
  return milliseconds < DAY ? `${Math.round(milliseconds / HOUR)} h` : `${Math.round(milliseconds / DAY)} d`
}

/** Writes when something was: `3 h ago` to people, ISO 8601 to programs. */
export function formatWhen(at: number, {columns, now}: Screen): string {
  if (columns === undefined) return new Date(at).toISOString()
  const age = now - at
  if (Math.abs(age) < MINUTE) return age < 0 ? 'any moment' : 'just now'
  return age < 0 ? `in ${ageOf(-age)}` : `${ageOf(age)} ago`
}
