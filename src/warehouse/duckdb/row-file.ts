import {mkdir, open, rm, type FileHandle} from 'node:fs/promises'
import {join} from 'node:path'

import type {AdHocRow} from '../ad-hoc-query.ts'

const BUFFERED_CHARACTERS = 1024 * 1024
const PAGE_ROWS = 1000
/** A page ends with the row that reaches this. */
const PAGE_CHARACTERS = 4 * 1024 * 1024

/** Holds rows on the disk, in a file that has no name any more: whatever ends the process, nothing of them is left. */
export class RowFile {
  readonly #handle: FileHandle
  #buffered: string[] = []
  #characters = 0

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  static async create(folder: string): Promise<RowFile> {
    await mkdir(folder, {recursive: true, mode: 0o700})
    const path = join(folder, 'rows.ndjson')
    const handle = await open(path, 'wx+', 0o600)
    await rm(path)
    return new RowFile(handle)
  }

  async add(row: AdHocRow): Promise<void> {
    const line = `${JSON.stringify(row)}\n`
    this.#buffered.push(line)
    this.#characters += line.length
    if (this.#characters > BUFFERED_CHARACTERS) await this.#flush()
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  /** Gives all rows and closes the file. */
  async *pages(): AsyncGenerator<readonly AdHocRow[]> {
    await this.#flush()
    try {
      let page: AdHocRow[] = []
      let characters = 0
      for await (const line of linesOf(this.#handle)) {
        page.push(JSON.parse(line) as AdHocRow)
        characters += line.length
        if (page.length < PAGE_ROWS && characters < PAGE_CHARACTERS) continue
        yield page
        page = []
        characters = 0
      }
      if (page.length > 0) yield page
    } finally {
      await this.close()
    }
  }

  async #flush(): Promise<void> {
    await this.#handle.appendFile(this.#buffered.join(''))
    this.#buffered = []
    this.#characters = 0
  }
}

/** Node's own reader of lines takes U+2028 for the end of one, too. */
async function* linesOf(handle: FileHandle): AsyncGenerator<string> {
  let parts: string[] = []
  const stream = handle.createReadStream({start: 0, encoding: 'utf8', autoClose: false})
  for await (const chunk of stream as AsyncIterable<string>) {
    const [first = '', ...others] = chunk.split('\n')
    parts.push(first)
    for (const other of others) {
      yield parts.join('')
      parts = [other]
    }
  }
}
