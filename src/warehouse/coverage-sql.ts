import type {TimeWindow} from '../model/window.ts'

/** Stands in SQL for the beginning of a window that reaches back to the first record; milliseconds. */
export const FROM_THE_START = -9e15

/** A stream's coverage belongs to these. */
export const SCOPE = ['job', 'account', 'source_system', 'object_type', 'selection'] as const

/**
 * Two common table expressions after one that is called `windows` and has `since` and `until`: in `islands`, windows
 * that overlap or touch have the same `island` within their scope, so that years of runs come back as a few rows.
 */
export function islands(scope: readonly string[] = []): string {
  const partition = scope.length === 0 ? '' : `PARTITION BY ${scope.join(', ')} `
  return `reach AS (
  SELECT *, MAX(until) OVER (${partition}ORDER BY since, until ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
  FROM windows
), islands AS (
  SELECT *, SUM(CASE WHEN reached >= since THEN 0 ELSE 1 END) OVER (${partition}ORDER BY since, until) AS island
  FROM reach
)`
}

/** The window of a row whose columns are numbers, or text that is one. */
export function windowIn(row: Readonly<Record<string, unknown>>): TimeWindow {
  const since = Number(row['since'])
  return {since: since <= FROM_THE_START ? -Infinity : since, until: Number(row['until'])}
}
