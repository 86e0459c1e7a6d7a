/** A string constant. */
export const literal = (text: string): string =>
  `"${text
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)}"`

export const instant = (date: Date): string => `TIMESTAMP(${literal(date.toISOString())})`

/** The statement without what stands in quotes. */
export const withoutConstants = (sql: string): string => sql.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gs, "''")
