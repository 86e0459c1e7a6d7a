import {usageError} from '../base/errors.ts'
import {parseDuration, parseInstant} from '../base/time.ts'
import type {ReadAgain} from './read-again.ts'

/** The flags `--since`, `--until`, `--full`, `--limit` and `--refetch` ask for this; instants in milliseconds since 1970. */
export interface WindowRequest {
  readonly since?: number
  readonly until?: number
  readonly full: boolean
  readonly limit?: number
  readonly refetch: boolean
  /** Only where records of earlier runs were rejected; then all others ask for nothing. */
  readonly again?: ReadAgain
}

export interface WindowFlags {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly full: boolean
  readonly limit?: number | undefined
  readonly refetch: boolean
}

export interface ReadRequest {
  readonly request: WindowRequest
  /** The notes that tell the user how the flags were read. */
  readonly notes: readonly string[]
}

export function readWindowRequest(flags: WindowFlags, now: Date): ReadRequest {
  const notes: string[] = []
  const since = flags.since === undefined ? undefined : readInstant('--since', flags.since, now, notes)
  const until = flags.until === undefined ? undefined : readInstant('--until', flags.until, now, notes)
  if (since !== undefined && until !== undefined && since >= until) {
    throw usageError(`--since ${flags.since ?? ''} is not before --until ${flags.until ?? ''}`, {
      code: 'E_WINDOW_INVALID',
      next: 'Give a window that begins before it ends.',
    })
  }
  if (flags.limit !== undefined && flags.limit < 1) {
    throw usageError(`--limit ${flags.limit} reads nothing`, {
      code: 'E_USAGE_FLAGS',
      next: 'Give a limit of at least 1.',
    })
  }
  return {
    request: {
      ...(since !== undefined && {since}),
      ...(until !== undefined && {until}),
      full: flags.full,
      ...(flags.limit !== undefined && {limit: flags.limit}),
      refetch: flags.refetch,
    },
    notes,
  }
}

/** Reads an instant that has passed, or an age. Throws a usage error for anything else. */
export const readPast = (flag: string, text: string, now: Date): number => readInstant(flag, text, now, [])

function readInstant(flag: string, text: string, now: Date, notes: string[]): number {
  const instant = text.startsWith('-') ? now.getTime() - parseAge(flag, text) : parseAbsolute(flag, text, notes)
  if (instant <= now.getTime()) return instant
  throw usageError(`${flag} ${text} lies in the future (it is ${now.toISOString()})`, {
    code: 'E_WINDOW_INVALID',
    next: 'Give an instant that has passed, such as -7d or 2026-01-31T12:00:00Z.',
  })
}

function parseAge(flag: string, text: string): number {
  try {
    return parseDuration(text.slice(1))
  } catch (error) {
    throw unreadable(flag, text, error)
  }
}

function parseAbsolute(flag: string, text: string, notes: string[]): number {
  try {
    const {date, zoned} = parseInstant(text)
    if (!zoned) notes.push(`${flag} ${text} has no time zone and was read as UTC`)
    return date.getTime()
  } catch (error) {
    throw unreadable(flag, text, error)
  }
}

const unreadable = (flag: string, text: string, cause: unknown): Error =>
  usageError(`${flag} ${text} is not an instant`, {
    code: 'E_WINDOW_INVALID',
    next: 'Give ISO 8601 (2026-01-31, 2026-01-31T12:00:00Z) or an age: -30m, -12h, -7d, -2w.',
    cause,
  })
