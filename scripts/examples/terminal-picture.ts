import {stripVTControlCharacters} from 'node:util'

/** What screen readers say of a picture. */
export interface Caption {
  readonly title: string
  readonly description: string
}

/** No line is broken: it is the width of what is shown. */
const COLUMNS = 108
const LETTER = {width: 7.8, size: 13, line: 19}
const EDGE = {side: 18, top: 46, bottom: 18}

/** The colours of `src/base/screen.ts`, and of a prompt. */
const STYLES: Readonly<Record<string, string>> = {31: 'bad', 32: 'good', 33: 'warning', 36: 'active', 2: 'quiet'}
const ENDS = new Set(['0', '22', '39'])
// eslint-disable-next-line no-control-regex
const STYLE = /\u001B\[(\d+)m/

/** Each is read with 4.5 to 1 on its ground, which is the picture's own. */
const PALETTE = {
  light: {
    ground: '#ffffff',
    frame: '#d0d7de',
    text: '#1f2328',
    quiet: '#59636e',
    good: '#116329',
    bad: '#b3202c',
    warning: '#7d4e00',
    active: '#05678a',
  },
  dark: {
    ground: '#0d1117',
    frame: '#3d444d',
    text: '#e6edf3',
    quiet: '#9198a1',
    good: '#56d364',
    bad: '#ff8b85',
    warning: '#e3b341',
    active: '#56d4dd',
  },
} as const

interface Piece {
  readonly style: string
  readonly column: number
  readonly text: string
}

/**
 * Draws what a command printed as SVG, in the colours that it chose: dark where the reader's system is, with the columns of a
 * terminal whatever letters there are.
 */
export function terminalPicture(command: string, output: string, {title, description}: Caption): string {
  const lines = [[{style: 'command', column: 0, text: `$ ${command}`}], ...output.trimEnd().split('\n').map(piecesOf)]
  const width = Math.ceil(COLUMNS * LETTER.width + 2 * EDGE.side)
  const height = EDGE.top + lines.length * LETTER.line + EDGE.bottom
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    `<style>${rulesOf('light')}@media (prefers-color-scheme:dark){${rulesOf('dark')}}text{font:${LETTER.size}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}.command{font-weight:bold}</style>`,
    `<rect class="window" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...[0, 1, 2].map((button) => `<circle class="button" cx="${EDGE.side + 6 + button * 20}" cy="20" r="6"/>`),
    ...lines.flatMap((pieces, line) => pieces.map((piece) => drawn(piece, EDGE.top + (line + 0.7) * LETTER.line))),
    '</svg>',
    '',
  ].join('\n')
}

function piecesOf(line: string): readonly Piece[] {
  const pieces: Piece[] = []
  let [style, column] = ['text', 0]
  // Every second part is the number of a style.
  for (const [index, part] of line.split(STYLE).entries()) {
    if (index % 2 === 1) style = ENDS.has(part) ? 'text' : named(part)
    else {
      if (part.trim() !== '') pieces.push({style, column, text: part})
      column += part.length
    }
  }
  if (column > COLUMNS) throw new Error(`${column} columns, and a picture has ${COLUMNS}: ${line}`)
  if (stripVTControlCharacters(line).length !== column) throw new Error(`more than colours: ${JSON.stringify(line)}`)
  return pieces
}

function named(number: string): string {
  const style = STYLES[number]
  if (style === undefined) throw new Error(`no picture has style ${number} of a terminal`)
  return style
}

function drawn({style, column, text}: Piece, y: number): string {
  const shown = text.trim()
  const x = EDGE.side + (column + text.indexOf(shown)) * LETTER.width
  const long = shown.length * LETTER.width
  return `<text class="${style}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" textLength="${long.toFixed(1)}">${escaped(shown)}</text>`
}

function rulesOf(scheme: keyof typeof PALETTE): string {
  const {ground, frame, text, ...styles} = PALETTE[scheme]
  return [
    `.window{fill:${ground};stroke:${frame}}`,
    `.button{fill:${frame}}`,
    `.command,.text{fill:${text}}`,
    ...Object.entries(styles).map(([style, colour]) => `.${style}{fill:${colour}}`),
  ].join('')
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
