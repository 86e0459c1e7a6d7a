import {usageError} from './errors.ts'

const SECOND = 1000
const UNITS = {w: 604_800 * SECOND, d: 86_400 * SECOND, h: 3600 * SECOND, m: 60 * SECOND, s: SECOND} as const
// The span of time that a Date can hold on either side of 1970.
const LONGEST = 8_640_000_000_000_000

/** Milliseconds in `90s`, `30m`, `12h`, `7d` or `2w`. */
export function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d+)([smhdw])$/.exec(text) ?? []
  const milliseconds = Number(digits) * UNITS[(unit ?? 's') as keyof typeof UNITS]
  if (milliseconds <= LONGEST) return milliseconds
  throw usageError(
    `${JSON.stringify(text)} is not a duration`,
    'Give a whole number and a unit: 90s, 30m, 12h, 7d or 2w.',
  )
}

/** In the largest unit that divides it: `parseDuration(formatDuration(n))` is `n`, down to whole seconds. */
export function formatDuration(milliseconds: number): string {
  const [unit, size] = Object.entries(UNITS).find(
    ([, length]) => milliseconds !== 0 && milliseconds % length === 0,
  ) ?? ['s', SECOND]
  return `${milliseconds / size}${unit}`
}
