export type Row = readonly string[]

/** Puts columns side by side, every value whole on one line. */
export function formatTable(rows: readonly Row[]): string {
  const clean = rows.map((row) => row.map(onOneLine))
  const widthOf = (column: number): number => Math.max(...clean.map((row) => row[column]?.length ?? 0))
  const lines = clean.map((row) => row.map((text, column) => text.padEnd(widthOf(column))).join('  '))
  return lines.map((line) => line.trimEnd()).join('\n')
}

// Names and summaries come from plugins; a control character could rewrite the terminal.
const onOneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
