import {literal} from './sql.ts'

/** Keys are told one by one, or in so many groups at most that begin alike. */
const MOST_RANGES = 10_000
/** A filter has so many constants at most: a key is one, a range has two. */
const MOST_CONSTANTS = 4000
/** All filters of one statement; the service takes a megabyte. A stream has two of them in a transaction. */
const FILTER_CHARACTERS = 600_000
const FILTERS_OF_A_STREAM = 2
/** Characters behind the name of the stream; keys that begin alike for longer are told apart only where they are few. */
const DEPTHS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 64, 128]
/** No key has more characters. */
const WHOLE_KEY = 2000

/** A range without anything between its ends is a single key. */
export interface KeyRange {
  readonly lowest: string
  readonly highest: string
}

/** A key set says of the keys of one stream what a filter needs to know. */
export interface KeySet {
  readonly count: number
  /** They hold all keys, in their order, and others. */
  readonly ranges: readonly KeyRange[]
}

/**
 * Selects one row that describes the keys among `rows`, which have a column `idem_key`; NULLs do not count. `sums` are columns of
 * numbers by their names. Keys are grouped by their first characters: by as many as give no more than `MOST_RANGES`, so by all of
 * them where keys are few. Nothing but the lengths is sorted, because keys may be a hundred million.
 */
export function selectKeySet(rows: string, start: string, sums: Readonly<Record<string, string>>): string {
  const levels = [0, ...DEPTHS.map((depth) => start.length + depth), WHOLE_KEY]
  const names = Object.keys(sums)
  const list = (make: (name: string) => string): string => names.map((name) => `${make(name)}, `).join('')
  return `SELECT ${list((name) => `CAST(${name} AS STRING) AS ${name}`)}CAST(key_count AS STRING) AS key_count, ranges FROM (
  SELECT level, ${list((name) => `SUM(${name}) AS ${name}`)}SUM(key_count) AS key_count, COUNT(*) AS parts,
    STRING_AGG(IFNULL(CONCAT(lowest, '\\n', highest), ''), '\\n' LIMIT ${MOST_RANGES}) AS ranges
  FROM (
    SELECT level, ${list((name) => `SUM(${name}) AS ${name}`)}COUNT(idem_key) AS key_count, MIN(idem_key) AS lowest, MAX(idem_key) AS highest
    FROM (SELECT idem_key, ${names.map((name) => `${sums[name]} AS ${name}`).join(', ')} FROM (${rows}) AS counted GROUP BY idem_key) AS keys
    CROSS JOIN UNNEST([${levels.join(', ')}]) AS level
    GROUP BY level, SUBSTR(idem_key, 1, level)
  ) AS grouped GROUP BY level
 ) AS levels ORDER BY IF(parts <= ${MOST_RANGES}, level, -1) DESC LIMIT 1`
}

/** No row at all is a set without keys. No key holds a line break. */
export function keySetOf(row: Readonly<Record<string, string | null>>): KeySet {
  const keys = (row['ranges'] ?? '').split('\n').filter((key) => key !== '')
  const ranges: KeyRange[] = []
  for (let at = 0; at < keys.length; at += 2) ranges.push({lowest: keys[at] ?? '', highest: keys[at + 1] ?? ''})
  const count = Number(row['key_count'] ?? 0)
  // A filter made of it would find nothing of what is there.
  if (count > 0 && ranges.length === 0) throw new Error(`${count} keys were counted, and none was told`)
  return {count, ranges: inOrder(ranges)}
}

export const keySetOfKeys = (keys: readonly string[]): KeySet => ({
  count: keys.length,
  ranges: inOrder(keys.map((key) => ({lowest: key, highest: key}))),
})

/** The service compares texts by their bytes. */
function inOrder(ranges: readonly KeyRange[]): readonly KeyRange[] {
  return ranges
    .map((range) => ({range, bytes: Buffer.from(range.lowest)}))
    .toSorted((one, other) => Buffer.compare(one.bytes, other.bytes))
    .map(({range}) => range)
}

/**
 * Compares the clustering column with constants: BigQuery reads and bills only the blocks that can hold the keys. Where they are
 * too many, those that lie closest together share a range, so that one key more never costs much more. `streams` are those
 * of the statement.
 */
export function isWithin(column: string, {ranges}: KeySet, streams = 1): string {
  const told = joined(ranges, Math.floor(FILTER_CHARACTERS / FILTERS_OF_A_STREAM / Math.max(1, streams)))
  const keys = told.filter(({lowest, highest}) => lowest === highest).map(({lowest}) => literal(lowest))
  const conditions = told
    .filter(({lowest, highest}) => lowest !== highest)
    .map(({lowest, highest}) => `${column} BETWEEN ${literal(lowest)} AND ${literal(highest)}`)
  if (keys.length > 0) conditions.push(`${column} IN (${keys.join(', ')})`)
  if (conditions.length === 0) return 'FALSE'
  return conditions.length === 1 ? conditions.join('') : `(${conditions.join(' OR ')})`
}

/** Joins neighbours across the narrowest gaps, as few as will do. */
function joined(ranges: readonly KeyRange[], characters: number): readonly KeyRange[] {
  const lengths = ranges.map(({lowest, highest}) => ({
    lowest: literal(lowest).length,
    highest: literal(highest).length,
  }))
  /** `gaps` are the places of those that stay: 0 is the one behind the first range. */
  const fits = (gaps: readonly number[]): boolean => {
    let [constants, length, start] = [0, 0, 0]
    for (const end of [...gaps.toSorted((one, other) => one - other), ranges.length - 1]) {
      const isKey = start === end && ranges[start]?.lowest === ranges[end]?.highest
      constants += isKey ? 1 : 2
      length += SEPARATOR + (lengths[start]?.lowest ?? 0) + (isKey ? 0 : BETWEEN + (lengths[end]?.highest ?? 0))
      start = end + 1
    }
    return constants <= MOST_CONSTANTS && length <= characters
  }
  const all = ranges.slice(1).map((_, place) => place)
  if (fits(all)) return ranges
  const gaps = gapsBetween(ranges)
  const widest = all.toSorted((one, other) => (gaps[other] ?? 0) - (gaps[one] ?? 0))
  let [few, many] = [0, widest.length]
  while (few < many) {
    const middle = Math.ceil((few + many) / 2)
    if (fits(widest.slice(0, middle))) few = middle
    else many = middle - 1
  }
  return splitAt(ranges, widest.slice(0, few))
}

const SEPARATOR = ', '.length
/** A range takes so many characters beside its two keys. */
const BETWEEN = 33

function splitAt(ranges: readonly KeyRange[], gaps: readonly number[]): readonly KeyRange[] {
  const split: KeyRange[] = []
  let start = 0
  for (const end of [...gaps.toSorted((one, other) => one - other), ranges.length - 1]) {
    split.push({lowest: ranges[start]?.lowest ?? '', highest: ranges[end]?.highest ?? ''})
    start = end + 1
  }
  return split
}

/** Keys are taken for fractions whose digits are their bytes, behind those that all have alike. */
function gapsBetween(ranges: readonly KeyRange[]): readonly number[] {
  const ends = ranges.map(({lowest, highest}) => ({lowest: Buffer.from(lowest), highest: Buffer.from(highest)}))
  const [first, last] = [ends[0], ends.at(-1)]
  if (first === undefined || last === undefined) return []
  const common = firstDifference(first.lowest, last.highest)
  return ends.slice(1).map(({lowest}, index) => distance(ends[index]?.highest ?? lowest, lowest, common))
}

function firstDifference(one: Buffer, other: Buffer): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at += 1
  return at
}

const RADIX = 256
const PRECISE_BYTES = 6

function distance(from: Buffer, to: Buffer, common: number): number {
  const start = firstDifference(from, to)
  let sum = 0
  for (let place = PRECISE_BYTES - 1; place >= 0; place -= 1)
    sum = sum / RADIX + (to[start + place] ?? 0) - (from[start + place] ?? 0)
  return sum / RADIX ** (start - common)
}
