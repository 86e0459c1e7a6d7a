import {literal} from './sql.ts'

/** So many constants prune blocks better than a range, and still make a short statement. */
const FEW_KEYS = 500
const FEW_CHARACTERS = 100_000

/** Keys of one stream, as far as a filter needs to know them. */
export interface KeySet {
  readonly count: number
  readonly lowest: string
  readonly highest: string
  /** All of them where they are few. */
  readonly few: readonly string[] | undefined
}

/** Columns that describe the keys of `expression`; NULLs do not count. No key holds a line break. */
export const keySetColumns = (expression: string): string =>
  `CAST(COUNT(DISTINCT ${expression}) AS STRING) AS key_count, MIN(${expression}) AS lowest, MAX(${expression}) AS highest,
   STRING_AGG(DISTINCT ${expression}, '\\n' LIMIT ${FEW_KEYS + 1}) AS few`

export function keySetOf(row: Readonly<Record<string, string | null>>): KeySet {
  const count = Number(row['key_count'])
  const few = row['few'] ?? ''
  return {
    count,
    lowest: row['lowest'] ?? '',
    highest: row['highest'] ?? '',
    few: count > 0 && count <= FEW_KEYS && few.length <= FEW_CHARACTERS ? few.split('\n') : undefined,
  }
}

/** Constants on the clustering column, so that BigQuery reads and bills only the blocks that can hold the keys. */
export const isWithin = (column: string, {few, lowest, highest}: KeySet): string =>
  few === undefined
    ? `${column} BETWEEN ${literal(lowest)} AND ${literal(highest)}`
    : `${column} IN (${few.map(literal).join(', ')})`
