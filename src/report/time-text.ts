import type {Screen} from '../base/screen.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
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

/** Writes how long something took, as people say it: `12.41s`, `2 min 5 s`, `3 h 12 min`, `2 d 4 h`. */
export function formatSpan(milliseconds: number): string {
  if (milliseconds < MINUTE - 5) return `${(Math.max(0, milliseconds) / SECOND).toFixed(2)}s`
  const seconds = Math.round(milliseconds / SECOND)
  if (seconds < HOUR / SECOND) return parts([Math.floor(seconds / 60), 'min'], [seconds % 60, 's'])
  const minutes = Math.round(seconds / 60)
  if (minutes < DAY / MINUTE) return parts([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min'])
  const hours = Math.round(minutes / 60)
  return parts([Math.floor(hours / 24), 'd'], [hours % 24, 'h'])
}

const parts = (...all: readonly (readonly [number, string])[]): string =>
  all
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
