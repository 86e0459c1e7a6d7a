import {usageError} from '../base/errors.ts'
import {printable} from '../base/printable.ts'
import type {JsonValue} from '../source.ts'
import type {AdHocAnswer, AdHocRow} from '../warehouse/ad-hoc-query.ts'
import type {Screen} from '../base/screen.ts'
import {formatTable, type Column} from './text-table.ts'

/** A longer value is cut where people read it. */
const CELL_CHARACTERS = 80
/** The document of `--json` is one text in memory. */
const DOCUMENT_CHARACTERS = 64 * 1024 * 1024

/** It was printed so far; there may be more rows than were asked for, or nobody may read any more. */
export interface PrintedRows {
  readonly rows: number
  readonly moreRows: boolean
  readonly cutValues: boolean
}

export interface QueryOutput {
  /** The largest number of rows that are shown; the answer may have one more, by which it is known that there are more. */
  readonly limit: number
  readonly mask: (text: string) => string
  readonly screen: Screen
  /** Answers false where nobody reads any more. */
  readonly print: (text: string) => Promise<boolean>
}

/** Prints a table for each page, so that its columns fit the values which are in memory. */
export async function printTable({columns, pages}: AdHocAnswer, output: QueryOutput): Promise<PrintedRows> {
  const columnsFor = (rows: readonly AdHocRow[]): readonly Column[] =>
    columns.map(({name}, index) => ({
      name: printable(name),
      ...(rows.length > 0 && rows.every((row) => isNumeric(row[index])) && {align: 'right' as const}),
    }))
  let cutValues = false
  const cell = (value: JsonValue): string => {
    const text = printable(output.mask(value === null ? 'NULL' : textOf(value)))
    if (text.length <= CELL_CHARACTERS) return text
    cutValues = true
    return `${text.slice(0, CELL_CHARACTERS - 1)}…`
  }
  const table = (rows: readonly AdHocRow[]): string =>
    `${formatTable(
      columnsFor(rows),
      rows.map((row) => row.map(cell)),
      output.screen,
    )}\n`
  const counted = await printPages(pages, output, (rows, page) => (page === 0 ? table(rows) : `\n${table(rows)}`))
  if (counted.rows === 0) await output.print(table([]))
  return {...counted, cutValues}
}

/** Prints CSV by RFC 4180, with `\n` between lines; NULL is empty, and an empty text is `""`. */
export async function printCsv({columns, pages}: AdHocAnswer, output: QueryOutput): Promise<PrintedRows> {
  const cell = (value: JsonValue): string => {
    if (value === null) return ''
    const text = output.mask(textOf(value))
    return quoted(output.screen.columns === undefined ? text : printable(text))
  }
  await output.print(`${columns.map(({name}) => cell(name)).join()}\n`)
  const lines = (rows: readonly AdHocRow[]): string => rows.map((row) => `${row.map(cell).join()}\n`).join('')
  return {...(await printPages(pages, output, lines)), cutValues: false}
}

/** Gathers the rows of a document. Throws where they would take too much memory. */
export async function gatherRows({pages}: AdHocAnswer, limit: number): Promise<{rows: AdHocRow[]; moreRows: boolean}> {
  const rows: AdHocRow[] = []
  let characters = 0
  for await (const page of pages) {
    characters += JSON.stringify(page).length
    if (characters > DOCUMENT_CHARACTERS)
      throw usageError('the answer is too large for one document', {
        code: 'E_QUERY_TOO_LARGE',
        next: 'Pass --csv, which prints rows as they come, a smaller --limit, or select fewer columns.',
      })
    rows.push(...page)
  }
  return {rows: rows.slice(0, limit), moreRows: rows.length > limit}
}

async function printPages(
  pages: AdHocAnswer['pages'],
  {limit, print}: QueryOutput,
  format: (rows: readonly AdHocRow[], page: number) => string,
): Promise<Omit<PrintedRows, 'cutValues'>> {
  let rows = 0
  let index = 0
  for await (const page of pages) {
    const shown = page.slice(0, limit - rows)
    rows += shown.length
    if (shown.length > 0 && !(await print(format(shown, index)))) return {rows, moreRows: false}
    if (shown.length < page.length) return {rows, moreRows: true}
    index += 1
  }
  return {rows, moreRows: false}
}

const isNumeric = (value: JsonValue | undefined): boolean => value === null || typeof value === 'number'

const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value))

const quoted = (text: string): string =>
  text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
