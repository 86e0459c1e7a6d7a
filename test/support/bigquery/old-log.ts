const MB = 1024 * 1024
const LEAST_PER_TABLE = 10 * MB
const DAY = 86_400_000
const FROM = /created_at >=? TIMESTAMP\(["']([^"']+)["']\)/g

/** A log as it is after years: of how many bytes a day, and how many days. */
export interface OldLog {
  readonly bytesADay: number
  readonly days: number
  /** What statements read of rows is left out; else they must not read any. */
  readonly besideRows?: boolean
}

/**
 * What a statement bills by BigQuery's pricing rules: at least 10 MB for each table that it names, and of the log all partitions
 * that its oldest condition leaves over, with all columns and no block skipped. Statements on rows are no part of this model.
 */
export function billOf(sql: string, {bytesADay, days, besideRows = false}: OldLog): number {
  // A lease is made of constants.
  if (/^\s*CREATE TABLE/.test(sql)) return 0
  const tables = new Set([...sql.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''))
  let bytes = 0
  for (const table of tables) {
    if (table.endsWith('raw_objects') && besideRows) continue
    if (table.endsWith('raw_objects')) throw new Error(`a run with nothing new reads rows: ${sql}`)
    const starts = [...sql.matchAll(FROM)].map((match) => Date.parse((match[1] ?? '').replace(/ (\S+)\+00$/, 'T$1Z')))
    const oldest = Math.min(...starts, Date.now())
    const partitions = Math.min(days, Math.floor(Date.now() / DAY) - Math.floor(oldest / DAY) + 1)
    bytes += Math.max(LEAST_PER_TABLE, table.endsWith('event_log') ? partitions * bytesADay : 0)
  }
  return bytes
}
