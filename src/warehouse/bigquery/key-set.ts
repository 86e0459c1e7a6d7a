import {literal} from './sql.ts'

/** So many constants prune blocks better than a range, and still make a short statement. */
const FEW_KEYS = 500
const FEW_CHARACTERS = 100_000

/** A key set says of the keys of one stream what a filter needs to know. */
export interface KeySet {
  readonly count: number
  readonly lowest: string
  readonly highest: string
  /** It holds all of them where they are few. */
  readonly few: readonly string[] | undefined
}

/**
 * Makes columns that describe the keys of `expression`; NULLs do not count. No key holds a line break. IFNULL is for an
 * emulator that breaks down over a limited STRING_AGG of nothing.
 */
export const keySetColumns = (expression: string): string =>
  `CAST(COUNT(DISTINCT ${expression}) AS STRING) AS key_count, MIN(${expression}) AS lowest, MAX(${expression}) AS highest,
   STRING_AGG(DISTINCT IFNULL(${expression}, ''), '\\n' LIMIT ${FEW_KEYS + 2}) AS few`

/** No row at all is a set without keys. */
export function keySetOf(row: Readonly<Record<string, string | null>>): KeySet {
  const count = Number(row['key_count'] ?? 0)
  const text = row['few'] ?? ''
  const few = text.length > FEW_CHARACTERS ? [] : text.split('\n').filter((key) => key !== '')
  return {
    count,
    lowest: row['lowest'] ?? '',
    highest: row['highest'] ?? '',
    few: count > 0 && count <= FEW_KEYS && few.length === count ? few : undefined,
  }
}

/** Compares the clustering column with constants: BigQuery reads and bills only the blocks that can hold the keys. */
export const isWithin = (column: string, {few, lowest, highest}: KeySet): string =>
  few === undefined
    ? `${column} BETWEEN ${literal(lowest)} AND ${literal(highest)}`
    : `${column} IN (${few.map(literal).join(', ')})`
