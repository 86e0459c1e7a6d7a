/** Writes a string constant. */
export const literal = (text: string): string =>
  `"${text
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)}"`

export const instant = (date: Date): string => `TIMESTAMP(${literal(date.toISOString())})`

/** Some tables refuse a query without a filter on their partitions. */
export const ANY_TIME = `created_at >= TIMESTAMP('0001-01-01 00:00:00+00')`

/** Takes what stands in quotes out of a statement. */
export const withoutConstants = (sql: string): string => sql.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gs, "''")
