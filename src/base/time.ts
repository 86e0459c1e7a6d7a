import {usageError} from './errors.ts'

export interface Instant {
  readonly date: Date
  /** Whether the text named a time zone; without one it was read as UTC. */
  readonly zoned: boolean
}

const ISO_8601 =
  /^(?<day>\d{4}-\d{2}-\d{2})(?:[Tt ](?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d)(?:[.,](?<fraction>\d{1,9}))?)?(?<zone>[Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?$/

/** Reads an ISO 8601 date (midnight UTC) or date-time; throws a usage error for anything else. */
export function parseInstant(text: string): Instant {
  const parts = ISO_8601.exec(text)?.groups
  const day = parts?.['day']
  if (parts === undefined || day === undefined || !isCalendarDay(day)) throw notAnInstant(text)
  const zone = parts['zone']
  const time = `${parts['hour'] ?? '00'}:${parts['minute'] ?? '00'}:${parts['second'] ?? '00'}`
  const milliseconds = (parts['fraction'] ?? '').slice(0, 3).padEnd(3, '0')
  const date = new Date(Date.parse(`${day}T${time}.${milliseconds}Z`) - offsetOf(zone))
  // Warehouses hold the years 1 to 9999.
  if (date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999) throw notAnInstant(text)
  return {date, zoned: zone !== undefined}
}

/** Date rolls 30 February over to March. */
function isCalendarDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00.000Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
}

function offsetOf(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}

const notAnInstant = (text: string): Error =>
  usageError(`${JSON.stringify(text)} is not a date or date-time`, {
    code: 'E_USAGE_FLAGS',
    next: 'Give ISO 8601, such as 2026-01-31, 2026-01-31T12:00:00Z or 2026-01-31T12:00:00+01:00.',
  })

const SECOND = 1000
const UNITS = {w: 604_800 * SECOND, d: 86_400 * SECOND, h: 3600 * SECOND, m: 60 * SECOND, s: SECOND} as const
// The span of time that a Date can hold on either side of 1970.
const LONGEST = 8_640_000_000_000_000

/** Counts the milliseconds in `90s`, `30m`, `12h`, `7d` or `2w`; throws a usage error for anything else. */
export function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d+)([smhdw])$/.exec(text) ?? []
  const milliseconds = Number(digits) * UNITS[(unit ?? 's') as keyof typeof UNITS]
  if (milliseconds <= LONGEST) return milliseconds
  throw usageError(`${JSON.stringify(text)} is not a duration`, {
    code: 'E_USAGE_FLAGS',
    next: 'Give a whole number and a unit: 90s, 30m, 12h, 7d or 2w.',
  })
}

/** Writes a duration in the largest unit that divides it: `parseDuration(formatDuration(n))` is `n`, down to whole seconds. */
export function formatDuration(milliseconds: number): string {
  const [unit, size] = Object.entries(UNITS).find(
    ([, length]) => milliseconds !== 0 && milliseconds % length === 0,
  ) ?? ['s', SECOND]
  return `${milliseconds / size}${unit}`
}
