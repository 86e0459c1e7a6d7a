import {counted} from '../base/counted.ts'
import {rowOf, type RunMode} from '../model/run-mode.ts'
import type {PastRun} from '../run/past-runs.ts'
import type {UndoReport} from '../run/undo-run.ts'
import type {RunsUndoDocument} from './documents/runs-undo.ts'
import {formatSpan} from '../base/span.ts'

const NUMBER = new Intl.NumberFormat('en-US')

/** Lists the runs that are taken back, in the order in which they wrote. */
export function formatRunsToUndo(
  runs: readonly PastRun[],
  {mode, warehouse}: {readonly mode: RunMode; readonly warehouse: string},
): string {
  const banner = rowOf(mode).banner?.({warehouse, tables: ''})
  const lines = runs.map(
    ({runId, startedAt, counts: {inserted, updated}}) =>
      `${runId} (${new Date(startedAt).toISOString()}: ${NUMBER.format(inserted)} inserted, ${NUMBER.format(updated)} updated)`,
  )
  return [...(banner === undefined ? [] : [banner]), ...lines].join('\n')
}

export function formatUndo({runs, streams, undone, seconds}: UndoReport, mode: RunMode): string {
  const {linePrefix, lineSuffix} = rowOf(mode)
  const [are, said] = undone === undefined ? [' would be', 'would undo'] : ['', 'undone']
  const number = counted(runs.length, 'run')
  const lines = streams.map(
    ({stream: {sourceSystem, objectType}, removed, restored, left, isExact}) =>
      `${linePrefix}${said} ${number} of ${sourceSystem}/${objectType}: ${counted(removed, 'row')}${are} removed, ${isExact ? '' : 'up to '}${NUMBER.format(restored)} restored, ${NUMBER.format(left)} left as they are, in ${formatSpan(seconds * 1000)}${lineSuffix}`,
  )
  return undone === undefined ? lines.join('\n') : [...lines, formatNext(undone.cursor)].join('\n')
}

const formatNext = (cursor: number | undefined): string =>
  cursor === undefined
    ? '  Nothing is covered any more: the next plain run begins at the start of its job. Change what was wrong first.'
    : `  The next plain run goes on from ${new Date(cursor).toISOString()} and reads these records again: change what was wrong first.`

export const runsUndoDocumentOf = ({runs, streams, undone}: UndoReport, mode: RunMode): RunsUndoDocument => ({
  schema: 1,
  mode,
  run_id: undone?.runId ?? null,
  undone: runs.map(({runId}) => runId),
  streams: streams.map(({stream, removed, restored, left, isExact}) => ({
    source_system: stream.sourceSystem,
    object_type: stream.objectType,
    removed,
    restored,
    left,
    exact: isExact,
  })),
  cursor: undone?.cursor === undefined ? null : new Date(undone.cursor).toISOString(),
})
