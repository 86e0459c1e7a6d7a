import type {Place} from './bookmark.ts'
import {columnsOf} from './idem-key.ts'
import {csvShapeOf} from './csv-shape.ts'
import {CsvText} from './csv-text.ts'
import {UnreadableFile, type Reading} from './reading.ts'
import {NO_UTF8, textBlocks, type TextBlock} from './text-blocks.ts'

export interface CsvHeader {
  readonly names: readonly string[]
  /** Where the first record begins. */
  readonly place: Place
}

/** Finds the names of the columns; `undefined` where the file has no whole line for them yet. */
export async function csvHeader(reading: Reading): Promise<CsvHeader | undefined> {
  const {settings, content} = reading
  const {columns, header, skip_lines: skipped} = settings
  if (!header && skipped === 0 && columns !== undefined)
    return {names: checked(reading, columns, 1), place: {at: 0, lines: 0}}
  for await (const block of textBlocks(content, 0)) {
    const found = headerIn(block, reading)
    if (found === undefined) continue
    const {names, place} = found
    if (!header && columns === undefined)
      throw new UnreadableFile(place.lines + 1, 'nothing names the columns; set columns, or leave header out')
    return {names: checked(reading, columns ?? names, place.lines), place}
  }
  return undefined
}

function headerIn(block: TextBlock, {settings}: Reading): CsvHeader | undefined {
  const text = new CsvText(block.text, csvShapeOf(settings))
  let lines = 0
  for (let skipped = 0; skipped < settings.skip_lines; skipped += 1) {
    const feed = block.text.indexOf('\n', text.at)
    if (feed < 0) return undefined
    text.at = feed + 1
    lines += 1
  }
  if (!settings.header) return {names: [], place: {at: block.placeBehind(text.at), lines}}
  for (;;) {
    if (text.next() !== 'record') return undefined
    const isWhole = block.text[text.at - 1] === '\n'
    if (!isWhole && !block.text.includes('\r')) return undefined
    lines += text.lines
    if (text.problem !== undefined) throw new UnreadableFile(lines, `${text.problem}, and it is to name the columns`)
    if (text.fields.length > 1 || text.fields[0] !== '') break
  }
  const names = text.fields.map((field) => block.decoded(field))
  if (!names.every((name) => name !== undefined)) throw new UnreadableFile(lines, NO_UTF8)
  return {names, place: {at: block.placeBehind(text.at), lines}}
}

/** Refuses names by which a record could not be told, or that the options do not go with. They may be data, and are not quoted. */
function checked({settings}: Reading, names: readonly string[], line: number): readonly string[] {
  const {key, types = {}, window} = settings
  if (names.some((name) => name.includes('\r')))
    throw new UnreadableFile(line, 'its lines end with a carriage return alone; end them with a line feed')
  const second = names.findIndex((name, index) => names.indexOf(name) !== index)
  if (second >= 0)
    throw new UnreadableFile(
      line,
      `column ${second + 1} has the name of another one; name them all yourself with columns`,
    )
  const wanted = [...columnsOf(key), ...Object.keys(types), ...(typeof window === 'object' ? [window.column] : [])]
  const lost = wanted.find((name) => !names.includes(name))
  if (lost === undefined) return names
  const advice = names.length === 1 ? 'is delimiter right?' : 'is there a header? Set columns where there is none'
  throw new UnreadableFile(
    line,
    `there is no column ${lost}, which the options name, among its ${names.length} ${names.length === 1 ? 'column' : 'columns'}; ${advice}`,
  )
}
