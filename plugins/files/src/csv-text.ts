const CARRIAGE_RETURN = 13

export interface CsvShape {
  readonly delimiter: string
  /** One character. */
  readonly quote: string
}

/**
 * Takes records out of text, one by one: RFC 4180, with any delimiter and quote, and lines that end with LF or CRLF. A quote within a
 * field that does not begin with one is a character like any other.
 */
export class CsvText {
  readonly #text: string
  readonly #shape: CsvShape
  /** Where the next quote and delimiter are, so that no part of the text is searched twice. */
  #nextQuote = -1
  #nextDelimiter = -1
  #nextFeed = -1
  /** Index behind the record that was taken last. */
  at = 0
  /** Number of its lines. */
  lines = 0
  /** Why it is none. */
  problem: string | undefined
  fields: readonly string[] = []

  constructor(text: string, shape: CsvShape) {
    this.#text = text
    this.#shape = shape
  }

  /** Takes the next record: `open` where a quote is not closed, and nothing was taken. */
  next(): 'record' | 'open' | 'end' {
    const start = this.at
    if (start >= this.#text.length) return 'end'
    this.problem = undefined
    const end = this.#feedFrom(start)
    if (this.#nextQuote < start) this.#nextQuote = indexIn(this.#text, this.#shape.quote, start)
    if (this.#nextQuote < end) return this.#takeQuoted(start)
    this.fields = this.#text.slice(start, this.#withoutReturn(start, end)).split(this.#shape.delimiter)
    this.#endAt(end, 1)
    return 'record'
  }

  /** Gives up the record that begins here, but for its first line: what follows may well be whole records. */
  giveUp(problem: string): void {
    this.problem = problem
    this.#endAt(this.#feedFrom(this.at), 1)
  }

  #takeQuoted(start: number): 'record' | 'open' {
    const text = this.#text
    const {delimiter, quote} = this.#shape
    const fields: string[] = []
    for (let at = start; ; at += delimiter.length) {
      if (text.startsWith(quote, at)) {
        const end = this.#quotedField(at, fields)
        if (end === undefined) return 'open'
        at = end
      } else {
        if (this.#nextDelimiter < at) this.#nextDelimiter = indexIn(text, delimiter, at)
        const feed = this.#feedFrom(at)
        const end = Math.min(this.#nextDelimiter, feed)
        fields.push(text.slice(at, end === feed ? this.#withoutReturn(at, end) : end))
        at = end
      }
      if (text.startsWith(delimiter, at)) continue
      const feed = text.charCodeAt(at) === CARRIAGE_RETURN && text[at + 1] === '\n' ? at + 1 : at
      if (feed < text.length && text[feed] !== '\n') {
        this.giveUp('a quoted field in it goes on behind its closing quote')
        return 'record'
      }
      this.fields = fields
      this.#endAt(feed, linesIn(text, start, feed))
      return 'record'
    }
  }

  /** Takes a field that begins with a quote, and gives the index behind the closing one. */
  #quotedField(start: number, fields: string[]): number | undefined {
    const {quote} = this.#shape
    let value = ''
    for (let from = start + 1; ;) {
      const close = this.#text.indexOf(quote, from)
      if (close < 0) return undefined
      if (this.#text[close + 1] !== quote) {
        fields.push(value + this.#text.slice(from, close))
        return close + 1
      }
      value += this.#text.slice(from, close + 1)
      from = close + 2
    }
  }

  #endAt(feed: number, lines: number): void {
    this.at = Math.min(feed + 1, this.#text.length)
    this.lines = lines
  }

  #feedFrom(at: number): number {
    if (this.#nextFeed < at) this.#nextFeed = Math.min(indexIn(this.#text, '\n', at), this.#text.length)
    return this.#nextFeed
  }

  #withoutReturn(start: number, end: number): number {
    return end > start && this.#text.charCodeAt(end - 1) === CARRIAGE_RETURN ? end - 1 : end
  }
}

function indexIn(text: string, part: string, from: number): number {
  const index = text.indexOf(part, from)
  return index < 0 ? Infinity : index
}

function linesIn(text: string, start: number, end: number): number {
  let lines = 1
  for (let at = text.indexOf('\n', start); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
