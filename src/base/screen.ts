import {styleText} from 'node:util'

const STYLES = {
  good: 'green',
  bad: 'red',
  warning: 'yellow',
  active: 'cyan',
  quiet: 'dim',
} as const

/** Says what a text means; the screen chooses the colour. */
export type Meaning = keyof typeof STYLES

/** This is where people read: a terminal, or a file or program that gets the same words. */
export interface Screen {
  /** The width of a terminal; missing: it is none, so that nothing is broken, cut or left out, and times are ISO 8601. */
  readonly columns?: number
  /** Milliseconds since 1970; ages are counted back from here. */
  readonly now: number
  /** Gives the text its colour where colours are wanted. */
  readonly paint: Paint
}

export type Paint = (meaning: Meaning, text: string) => string

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** A terminal that does not know its width says 0. */
const USUAL_COLUMNS = 80

export const columnsOf = ({columns = 0}: Output): number => (columns > 0 ? columns : USUAL_COLUMNS)

/** Describes what an output leads to. */
export const screenOf = (stream: NodeJS.WriteStream): Screen => ({
  ...(stream.isTTY && {columns: columnsOf(stream)}),
  now: Date.now(),
  paint: paintFor(stream),
})

/** Colours a terminal's texts, and those of no terminal with FORCE_COLOR; never with NO_COLOR. */
export const paintFor =
  (stream: NodeJS.WriteStream): Paint =>
  (meaning, text) =>
    isWithoutColours(process.env) ? text : styleText(STYLES[meaning], text, {stream})

/** Node itself would let FORCE_COLOR win, and look at NO_COLOR on terminals alone. */
const isWithoutColours = ({NO_COLOR: no = ''}: NodeJS.ProcessEnv): boolean => no !== ''

export const unpainted: Paint = (_meaning, text) => text

const MARKS_OF_A_DIFF = {'+': 'good', '~': 'warning', '-': 'bad'} as const

/** Gives the marks and modes that lines begin with their colours, and the values of a diff theirs. */
export const paintMarks = (text: string, paint: Paint): string =>
  text
    .replaceAll(/^✓/gm, (mark) => paint('good', mark))
    .replaceAll(/^✗/gm, (mark) => paint('bad', mark))
    .replaceAll(/^\[(?:DRY-RUN|TEST)\]/gm, (mode) => paint('active', mode))
    .replaceAll(/^=== .* ===/gm, (banner) => paint('warning', banner))
    .replaceAll(/^ {2}([+~-]) \S+/gm, (key, mark: keyof typeof MARKS_OF_A_DIFF) => paint(MARKS_OF_A_DIFF[mark], key))
    .replaceAll(/(?<=^ {6}add \S+ {3}).+/gm, (value) => paint('good', value))
    .replaceAll(/(?<=^ {6}remove \S+ {3}).+/gm, (value) => paint('bad', value))
    .replaceAll(
      /(?<=^ {6}replace \S+ {3})(.+) → (.+)/gm,
      (_both, former: string, latter: string) => `${paint('bad', former)} → ${paint('good', latter)}`,
    )

/** Describes what is no terminal. */
export const plainScreen = (now = Date.now()): Screen => ({now, paint: unpainted})
