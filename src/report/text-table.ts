import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'

import type {Meaning, Screen} from '../base/screen.ts'

export interface Column {
  readonly name: string
  readonly align?: 'right'
  /** Its values may go on in further lines. */
  readonly wraps?: true
  /** A terminal that is too narrow does without it; the one with the highest number goes first. */
  readonly leaves?: number
}

export type Cell = string | PaintedCell

interface PaintedCell {
  readonly text: string
  readonly means?: Meaning | undefined
  /** Stands for it where the terminal is too narrow. */
  readonly short?: string
}

export type Row = readonly Cell[]

const GAP = '  '
/** A column of text is not made narrower than this. */
const NARROWEST = 16

/**
 * Puts columns side by side. A terminal gets no line that is wider than it is: values are shortened, columns leave, values
 * go on in further lines, and where all that is not enough each row stands by itself, a line for each value. Elsewhere every
 * row is one line, with every value whole.
 */
export function formatTable(columns: readonly Column[], rows: readonly Row[], screen: Screen): string {
  const {columns: available} = screen
  if (available === undefined) return formatLines(columns, rows, naturalWidths(columns, rows), screen)
  const fit = fitted(columns, rows, available)
  if (fit === undefined) return rows.map((row) => formatFacts(factsOf(columns, row), screen)).join('\n\n')
  const table = formatLines(fit.columns, fit.rows, fit.widths, screen)
  const gone = columns.filter((column) => !fit.columns.includes(column)).map(({name}) => name)
  if (gone.length === 0) return table
  const note = `Too narrow for ${gone.join(', ')}; --json has all.`
  return `${table}\n${wrapAnsi(note, available)
    .split('\n')
    .map((line) => screen.paint('quiet', line))
    .join('\n')}`
}

export type Fact = readonly [name: string, value: Cell]

/** Puts names and values side by side, one a line; long values go on below themselves. */
export function formatFacts(facts: readonly Fact[], screen: Screen): string {
  const {columns: available = Infinity} = screen
  const names = facts.map(([name]) => onOneLine(name))
  const nameWidth = Math.max(0, ...names.map((name) => stringWidth(name)))
  const room = Math.max(NARROWEST, available - nameWidth - GAP.length)
  const lines = facts.flatMap(([, value], index) =>
    broken(textOf(value), room).map((line, part) =>
      `${padded(part === 0 ? (names[index] ?? '') : '', nameWidth)}${GAP}${painted(line, value, screen)}`.trimEnd(),
    ),
  )
  return lines.join('\n')
}

interface Fitted {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  readonly widths: readonly number[]
}

function fitted(columns: readonly Column[], rows: readonly Row[], available: number): Fitted | undefined {
  const shortRows = rows.map((row) => row.map(shortened))
  const leaving = columns.filter(({leaves}) => leaves !== undefined)
  const inOrder = leaving.toSorted((one, other) => (other.leaves ?? 0) - (one.leaves ?? 0))
  const without = inOrder.map((_column, index) => new Set(inOrder.slice(0, index + 1)))
  for (const [gone, some] of [
    [new Set<Column>(), rows] as const,
    ...[new Set<Column>(), ...without].map((set) => [set, shortRows] as const),
  ]) {
    const kept = columns.map((column) => !gone.has(column))
    const keptColumns = columns.filter((_column, index) => kept[index] === true)
    const keptRows = some.map((row) => row.filter((_cell, index) => kept[index] === true))
    const widths = widthsWithin(keptColumns, naturalWidths(keptColumns, keptRows), available)
    if (widths !== undefined) return {columns: keptColumns, rows: keptRows, widths}
  }
  return undefined
}

/** Narrows the widest of the columns that wrap until all fit. */
function widthsWithin(
  columns: readonly Column[],
  natural: readonly number[],
  available: number,
): readonly number[] | undefined {
  const widths = [...natural]
  const total = (): number => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1))
  for (let excess = total() - available; excess > 0; excess = total() - available) {
    const wrapping = widths.map((width, index) => (columns[index]?.wraps === true && width > NARROWEST ? width : 0))
    const widest = wrapping.indexOf(Math.max(...wrapping))
    const width = widths[widest] ?? 0
    if ((wrapping[widest] ?? 0) === 0) return undefined
    const next = Math.max(NARROWEST, ...wrapping.filter((other) => other < width))
    widths[widest] = Math.max(next === width ? width - 1 : Math.min(next, width - 1), width - excess, NARROWEST)
  }
  return widths
}

const naturalWidths = (columns: readonly Column[], rows: readonly Row[]): readonly number[] =>
  columns.map(({name}, index) =>
    rows.reduce((widest, row) => Math.max(widest, stringWidth(textOf(row[index] ?? ''))), stringWidth(name)),
  )

function formatLines(
  columns: readonly Column[],
  rows: readonly Row[],
  widths: readonly number[],
  screen: Screen,
): string {
  const heading = columns.map(({name}): Cell => ({text: name, means: 'quiet'}))
  return [heading, ...rows].flatMap((row) => formatRow(columns, row, widths, screen)).join('\n')
}

function formatRow(columns: readonly Column[], row: Row, widths: readonly number[], screen: Screen): readonly string[] {
  const cells = columns.map(({wraps}, index) => {
    const text = textOf(row[index] ?? '')
    return wraps === true ? broken(text, widths[index] ?? 0) : [text]
  })
  const height = Math.max(...cells.map((lines) => lines.length))
  return Array.from({length: height}, (_line, part) =>
    columns
      .map(({align}, index) => {
        const text = cells[index]?.[part] ?? ''
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - stringWidth(text)))
        const shown = painted(text, row[index] ?? '', screen)
        return align === 'right' ? `${space}${shown}` : `${shown}${space}`
      })
      .join(GAP)
      .trimEnd(),
  )
}

const broken = (text: string, width: number): readonly string[] =>
  stringWidth(text) <= width ? [text] : wrapAnsi(text, width, {hard: true}).split('\n')

const factsOf = (columns: readonly Column[], row: Row): readonly Fact[] =>
  columns.map(({name}, index) => [name, row[index] ?? ''] as const).filter(([, value]) => textOf(value) !== '')

const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - stringWidth(text)))

const shortened = (cell: Cell): Cell => (typeof cell === 'string' ? cell : {...cell, text: cell.short ?? cell.text})

const textOf = (cell: Cell): string => onOneLine(typeof cell === 'string' ? cell : cell.text)

const painted = (text: string, cell: Cell, {paint}: Screen): string =>
  typeof cell === 'string' || cell.means === undefined || text === '' ? text : paint(cell.means, text)

// Names and summaries come from plugins; a control character could rewrite the terminal.
const onOneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
