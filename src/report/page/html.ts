import {printable} from '../../base/printable.ts'

/** A piece of a page in which every text from outside is escaped. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Part = Html | string | number | readonly Part[] | undefined

/** Makes HTML of a template; whatever is put into it is text, unless it was made by this itself. */
export const html = (literals: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(literals.map((literal, index) => `${literal}${partText(parts[index])}`).join(''))

/** Gives what is shown of a mark under the pointer. */
export const titleOf = (words: string): Html => html`<title>${words}</title>`

function partText(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'string') return escapeText(part)
  return typeof part === 'number' ? String(Math.round(part * 1000) / 1000) : part.map(partText).join('')
}

const ESCAPES: Readonly<Record<string, string>> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'}

/** Control and bidirectional characters are shown as their codes, as on a terminal. */
const escapeText = (text: string): string =>
  printable(text.toWellFormed()).replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
