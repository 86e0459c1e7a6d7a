import type {Socket} from 'node:net'
import {createInterface} from 'node:readline'
import type {Readable} from 'node:stream'

import {printable} from '../../base/printable.ts'

const LONGEST_LINE = 4000

/** Shows on stderr what the source's code prints: only results go to stdout. Does not keep the program from ending. */
export function showPrintedLines(output: Readable, masked: (line: string) => string): void {
  ;(output as Socket).unref()
  createInterface({input: output, crlfDelay: Infinity}).on('line', (line) => {
    process.stderr.write(`${printable(masked(line).slice(0, LONGEST_LINE))}\n`)
  })
}
