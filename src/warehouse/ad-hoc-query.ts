import type {JsonValue} from '../source.ts'

/** A person's own statement, which only reads. */
export interface AdHocQuery {
  readonly sql: string
  /** At most so many rows are given. */
  readonly rows: number
  /** Hears, where reading is billed, what the statement will read, in bytes and by the service's own estimate, before it runs. */
  readonly priced?: (bytes: number) => void
}

export interface AdHocAnswer {
  readonly columns: readonly AdHocColumn[]
  /** They are bounded by bytes as well as by rows, and read once. */
  readonly pages: AsyncIterable<readonly AdHocRow[]>
}

export interface AdHocColumn {
  readonly name: string
  /** The warehouse calls its type so. */
  readonly type: string
}

/**
 * A value for each column, in their order. What JSON's numbers cannot hold exactly is text, as are instants; a column of
 * JSON has its text, digit for digit.
 */
export type AdHocRow = readonly JsonValue[]

export const ONE_READING_STATEMENT =
  'It takes one statement that only reads (SELECT, or WITH and SELECT), of the tables in this warehouse; --help shows some.'

/** The number, or its digits where a double would lose some. */
export function numberIn(digits: string | bigint): number | string {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : String(digits)
}

const MICROSECONDS = 1_000_000n

/** Writes microseconds since 1970 in ISO 8601, with six digits of a second where three do not do. */
export function instantIn(microseconds: bigint): string {
  const rest = ((microseconds % MICROSECONDS) + MICROSECONDS) % MICROSECONDS
  const milliseconds = Number((microseconds - rest) / 1000n)
  if (Math.abs(milliseconds) > 8.64e15) return String(microseconds)
  const seconds = new Date(milliseconds).toISOString().slice(0, -'.000Z'.length)
  const fraction = String(rest).padStart(6, '0')
  return `${seconds}.${fraction.endsWith('000') ? fraction.slice(0, 3) : fraction}Z`
}
