import type {Socket} from 'node:net'
import {createInterface} from 'node:readline'
import type {Readable} from 'node:stream'

import {printable} from '../../base/printable.ts'

const LONGEST_LINE = 4000

/** Hears what the source's code prints. Does not keep the program from ending. */
export function hearPrintedLines(output: Readable, hear: (line: string) => void): void {
  ;(output as Socket).unref()
  createInterface({input: output, crlfDelay: Infinity}).on('line', hear)
}

/** Shows it on stderr: only results go to stdout. */
export function showPrintedLine(line: string): void {
  process.stderr.write(`${printable(line.slice(0, LONGEST_LINE))}\n`)
}
