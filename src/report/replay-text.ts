import {EXIT} from '../base/errors.ts'
import {printable} from '../base/printable.ts'
import type {Replay} from '../run/replay-job.ts'
import type {ReplayDocument} from './documents/replay.ts'

type Masked = (text: string) => string

const NUMBER = new Intl.NumberFormat('en-US')

export const exitCodeOfReplay = ({rows, same, merged}: Replay): number =>
  same === rows && merged.rows === 0 ? EXIT.done : EXIT.failed

/** Tells a person which keys stored rows have now. */
export function formatReplay(job: string, found: Replay, maskSecrets: Masked): string {
  const show = (text: string): string => printable(maskSecrets(text))
  const {rows, same, other, merged, failed, samplePercent, reasons} = found
  const counts = [
    `${NUMBER.format(same)} same`,
    `${NUMBER.format(other.count)} other key`,
    ...(samplePercent === undefined || merged.rows > 0 ? [mergedPhrase(found)] : []),
    `${NUMBER.format(failed.count)} without a key`,
  ]
  const sign = exitCodeOfReplay(found) === EXIT.done ? '✓' : '✗'
  const looked = `${NUMBER.format(rows)} rows${samplePercent === undefined ? '' : ` (a sample of ${samplePercent}%)`}`
  const lines = [
    ...other.examples.map(({stored, now}) => `${show(stored)} → ${show(now)}`),
    ...more(other.count - other.examples.length, 'rows with another key'),
    ...(other.count === 0
      ? []
      : ['a run would store these a second time; read them into test tables, and compare, before you do']),
    ...merged.examples.map(({now, stored}) => `${stored.map(show).join(', ')} → ${show(now)}: one row would be left`),
    ...more(merged.keys - merged.examples.length, 'keys that several rows would have'),
    ...failed.examples.map((stored) => `${show(stored)} has no key`),
    ...more(failed.count - failed.examples.length, 'rows without a key'),
    ...reasons.map((reason) => `because ${show(reason)}`),
    ...(samplePercent === undefined
      ? []
      : ['a sample proves nothing about the other rows, nor whether several rows would have one key']),
  ]
  return [`${sign} ${job}: ${looked}: ${counts.join(', ')}`, ...lines.map((line) => `  ${line}`)].join('\n')
}

const mergedPhrase = ({merged: {rows, keys}}: Replay): string =>
  `${NUMBER.format(rows)} would become ${rows === 0 ? 'one row' : NUMBER.format(keys)}`

const more = (count: number, what: string): readonly string[] =>
  count <= 0 ? [] : [`and ${NUMBER.format(count)} more ${what}`]

/** Gives the document of `--json`. */
export const replayDocumentOf = (
  job: string,
  {rows, samplePercent, same, other, merged, failed, reasons}: Replay,
  bytesBilled: number | undefined,
): ReplayDocument => ({
  schema: 1,
  job,
  rows,
  sample_percent: samplePercent ?? null,
  same,
  other: {count: other.count, examples: [...other.examples]},
  merged: {...merged, examples: merged.examples.map(({now, stored}) => ({now, stored: [...stored]}))},
  failed: {count: failed.count, examples: [...failed.examples], reasons: [...reasons]},
  ...(bytesBilled !== undefined && {bytes_billed: bytesBilled}),
})
