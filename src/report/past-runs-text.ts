import type {Counts} from '../model/counts.ts'
import {writesProduction} from '../model/run-mode.ts'
import type {PastRunMember} from './documents/past-run.ts'
import type {PastCommit, PastRun} from '../run/past-runs.ts'
import {formatTable, type Row} from './text-table.ts'
import {formatWindow, windowAsText} from '../model/window.ts'

const NUMBER = new Intl.NumberFormat('en-US')
const LONGEST_ERROR = 80
const LONGEST_BAR = 40
const SHOWN_COUNTS = ['extracted', 'inserted', 'updated', 'rejected'] as const satisfies readonly (keyof Counts)[]

export function formatRuns(runs: readonly PastRun[]): string {
  const header = ['STARTED', 'MODE', 'OUTCOME', 'WINDOW', ...SHOWN_COUNTS.map((name) => name.toUpperCase())]
  return formatTable([
    [...header, 'SECONDS', 'RUN', 'ERROR'],
    ...runs.map((run) => [
      instant(run.startedAt),
      run.mode,
      run.outcome,
      formatWindows(run),
      ...SHOWN_COUNTS.map((name) => NUMBER.format(run.counts[name])),
      secondsOf(run)?.toFixed(1) ?? '-',
      run.runId,
      shorten(run.error ?? ''),
    ]),
  ])
}

/** Formats all that the log says of one run. */
export function formatRun(run: PastRun): string {
  const facts: Row[] = [
    ['run', run.runId],
    ['job', run.job],
    ['account', run.account ?? '-'],
    ['mode', run.mode],
    ['outcome', run.outcome],
    ['started', instant(run.startedAt)],
    ['ended', run.endedAt === undefined ? '-' : instant(run.endedAt)],
    ['seconds', secondsOf(run)?.toFixed(1) ?? '-'],
    ...(run.error === null ? [] : [['error', run.error]]),
    ...(Object.entries(run.counts) as [string, number][]).map(([name, count]) => [name, NUMBER.format(count)]),
  ]
  if (run.commits.length === 0) return `${formatTable(facts)}\n\nNo commit was made.`
  const commits = run.commits.map(({at, sourceSystem, objectType, window, counts, limited, partial}) => [
    instant(at),
    `${sourceSystem}/${objectType}`,
    `${formatWindow(window)}${kindOfPart({limited, partial})}`,
    ...SHOWN_COUNTS.map((name) => NUMBER.format(counts[name])),
  ])
  const header = ['COMMITTED', 'STREAM', 'WINDOW', ...SHOWN_COUNTS.map((name) => name.toUpperCase())]
  return `${formatTable(facts)}\n\n${formatTable([header, ...commits])}`
}

/** Draws a bar for each day on which production runs stored records; days go by UTC. */
export function chartOfDays(runs: readonly PastRun[]): string {
  const days = new Map<string, number>()
  for (const commit of runs.filter(countsInProduction).flatMap(({commits}) => commits)) {
    const day = new Date(commit.at).toISOString().slice(0, 10)
    days.set(day, (days.get(day) ?? 0) + commit.counts.inserted + commit.counts.updated)
  }
  const most = Math.max(1, ...days.values())
  const bars = [...days].map(([day, count]) => {
    const length = count === 0 ? 0 : Math.max(1, Math.round((count / most) * LONGEST_BAR))
    return [day, `${'█'.repeat(length)} ${NUMBER.format(count)}`]
  })
  return bars.length === 0
    ? ''
    : `Records inserted or updated in production by these runs, by day (UTC)\n${formatTable(bars.toSorted(byDay))}`
}

export const pastRunMemberOf = (run: PastRun): PastRunMember => ({
  run_id: run.runId,
  job: run.job,
  account: run.account,
  mode: run.mode,
  outcome: run.outcome,
  started_at: instant(run.startedAt),
  ended_at: run.endedAt === undefined ? null : instant(run.endedAt),
  duration_seconds: secondsOf(run) ?? null,
  windows: run.windows.map(windowAsText),
  counts: run.counts,
  error: run.error,
  commits: run.commits.map(({at, sourceSystem, objectType, window, counts, limited}) => ({
    at: instant(at),
    source_system: sourceSystem,
    object_type: objectType,
    window: windowAsText(window),
    counts,
    limited,
  })),
})

function kindOfPart({limited, partial}: Pick<PastCommit, 'limited' | 'partial'>): string {
  if (partial !== undefined) return partial === 'checkpoint' ? ' (in part)' : ` (${partial})`
  return limited ? ' (limited)' : ''
}

const countsInProduction = ({mode, outcome}: PastRun): boolean => writesProduction(mode) && outcome !== 'undone'

function formatWindows({windows, commits}: PastRun): string {
  if (windows.length === 0) return '-'
  const limited = commits.some((commit) => commit.limited && commit.partial === undefined) ? ' (limited)' : ''
  return `${windows.map(formatWindow).join('; ')}${limited}`
}

const instant = (milliseconds: number): string => new Date(milliseconds).toISOString()

const secondsOf = ({startedAt, endedAt}: PastRun): number | undefined =>
  endedAt === undefined ? undefined : Math.max(0, endedAt - startedAt) / 1000

const shorten = (text: string): string => (text.length > LONGEST_ERROR ? `${text.slice(0, LONGEST_ERROR)}…` : text)

const byDay = ([one = '']: Row, [other = '']: Row): number => (one < other ? -1 : 1)
