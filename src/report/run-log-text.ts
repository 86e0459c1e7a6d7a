import type {Meaning, Screen} from '../base/screen.ts'
import type {ReadRunLog} from '../run/read-run-log.ts'
import type {RunsLogDocument} from './documents/runs-log.ts'

type Line = RunsLogDocument['lines'][number]

const MEANINGS: Readonly<Record<Line['level'], Meaning | undefined>> = {error: 'bad', warn: 'warning', info: undefined}

export const runsLogDocumentOf = (log: ReadRunLog): RunsLogDocument => ({
  schema: 1,
  run_id: log.runId,
  path: log.path,
  lines: linesOf(log),
})

/** Formats a log as it stands in its file. */
export function formatRunLog(log: ReadRunLog, {paint}: Screen): string {
  const lines = linesOf(log).map(({at, level, text}) => {
    const meaning = MEANINGS[level]
    const name = level.padEnd(5)
    return `${paint('quiet', at)} ${meaning === undefined ? name : paint(meaning, name)} ${text}`
  })
  return lines.join('\n')
}

/** A line that a kill tore off is left out. */
const linesOf = ({text}: ReadRunLog): readonly Line[] =>
  text.split('\n').flatMap((line) => {
    const [, at, level, rest = ''] = /^(\S+Z) (error|warn|info) +(.*)$/.exec(line) ?? []
    return at === undefined ? [] : [{at, level: level as Line['level'], text: rest}]
  })
