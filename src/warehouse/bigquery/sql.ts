/** Writes a string constant. */
export const literal = (text: string): string =>
  `"${text
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)}"`

export const instant = (date: Date): string => `TIMESTAMP(${literal(date.toISOString())})`

/** Some tables refuse a query without a filter on their partitions. */
export const ANY_TIME = `created_at >= TIMESTAMP('0001-01-01 00:00:00+00')`

/** Holds for what was logged from then on. */
export const since = (from: Date | undefined): string =>
  from === undefined ? ANY_TIME : `created_at >= ${instant(from)}`

const NAME = /`(?:[^`\\]|\\.)*`/
const COMMENT = /(?:--|#)[^\n]*|\/\*.*?\*\//
const CONSTANT = /"{3}(?:[^\\]|\\.)*?"{3}|'{3}(?:[^\\]|\\.)*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/
const TOKENS = new RegExp([NAME, COMMENT, CONSTANT].map(({source}) => `(${source})`).join('|'), 'gs')

/**
 * Takes constants and comments out of a statement. A quote that stands in a name or a comment begins no constant, or what
 * comes after it would be overlooked.
 */
export const withoutConstants = (sql: string): string =>
  sql.replaceAll(
    TOKENS,
    (_token, name: string | undefined, comment: string | undefined) => name ?? (comment === undefined ? "''" : ' '),
  )

/** The event of a run's start says in this expression when it took its streams, by BigQuery's own clock as far as it was asked. */
export const TAKEN_AT = "IFNULL(TIMESTAMP(JSON_VALUE(payload, '$.warehouse_time')), created_at)"
