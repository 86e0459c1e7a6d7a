import type {Counts} from '../model/counts.ts'
import {writesProduction} from '../model/run-mode.ts'
import type {PastRunMember} from './documents/past-run.ts'
import type {PastCommit, PastRun} from '../run/past-runs.ts'
import type {Meaning, Screen} from '../base/screen.ts'
import {formatFacts, formatTable, type Cell, type Column, type Fact} from './text-table.ts'
import {formatSpan} from '../base/span.ts'
import {formatWhen} from './time-text.ts'
import {formatWindow, windowAsText} from '../model/window.ts'

const NUMBER = new Intl.NumberFormat('en-US')
const LONGEST_BAR = 36
const SHOWN_COUNTS = ['extracted', 'inserted', 'updated', 'rejected'] as const satisfies readonly (keyof Counts)[]

const COLUMNS: readonly Column[] = [
  {name: 'JOB', wraps: true},
  {name: 'STARTED'},
  {name: 'MODE', leaves: 1},
  {name: 'OUTCOME'},
  {name: 'EXTRACTED', align: 'right', leaves: 7},
  {name: 'INSERTED', align: 'right', leaves: 4},
  {name: 'UPDATED', align: 'right', leaves: 5},
  {name: 'REJECTED', align: 'right', leaves: 3},
  {name: 'TOOK', align: 'right', leaves: 6},
  {name: 'WINDOW', leaves: 8},
  {name: 'RUN'},
  {name: 'ERROR', wraps: true, leaves: 2},
]

const MEANINGS: Readonly<Record<PastRun['outcome'], Meaning>> = {
  done: 'good',
  failed: 'bad',
  died: 'bad',
  running: 'active',
  unknown: 'warning',
  undone: 'quiet',
}

export const formatRuns = (runs: readonly PastRun[], screen: Screen): string =>
  formatTable(
    COLUMNS,
    runs.map((run) => [
      run.job,
      formatWhen(run.startedAt, screen),
      {text: run.mode, means: writesProduction(run.mode) ? undefined : 'active'},
      {text: run.outcome, means: MEANINGS[run.outcome]},
      ...countCells(run.counts),
      formatDuration(run),
      windowCell(formatWindows(run)),
      // `runs show` finds it by its end.
      {text: run.runId, short: run.runId.split('-').at(-1) ?? run.runId},
      run.error ?? '',
    ]),
    screen,
  )

/** Formats all that the log says of one run. */
export function formatRun(run: PastRun, screen: Screen): string {
  const facts: Fact[] = [
    ['run', run.runId],
    ['job', run.job],
    ['account', run.account ?? '-'],
    ['mode', run.mode],
    ['outcome', {text: run.outcome, means: MEANINGS[run.outcome]}],
    ['started', fullWhen(run.startedAt, screen)],
    ['ended', run.endedAt === undefined ? '-' : fullWhen(run.endedAt, screen)],
    ['took', formatDuration(run)],
    ...(run.error === null ? [] : [['error', run.error] as const]),
    ...run.promotes.map((id) => ['promotes', id] as const),
    ...run.undoes.map((id) => ['takes back', id] as const),
    ...(run.applies === undefined ? [] : [['plan', run.applies.plan] as const]),
    ...(Object.entries(run.counts) as [string, number][]).map(([name, count]) => [name, NUMBER.format(count)] as const),
  ]
  const about = formatFacts(facts, screen)
  if (run.commits.length === 0) return `${about}\n\nNo commit was made.`
  const commits = run.commits.map(({at, sourceSystem, objectType, window, counts, limited, partial}) => [
    `${sourceSystem}/${objectType}`,
    formatWhen(at, screen),
    windowCell(`${formatWindow(window)}${kindOfPart({limited, partial})}`),
    ...countCells(counts),
  ])
  return `${about}\n\n${formatTable(COMMIT_COLUMNS, commits, screen)}`
}

const COMMIT_COLUMNS: readonly Column[] = [
  {name: 'STREAM', wraps: true},
  {name: 'COMMITTED'},
  {name: 'WINDOW', wraps: true},
  {name: 'EXTRACTED', align: 'right', leaves: 3},
  {name: 'INSERTED', align: 'right'},
  {name: 'UPDATED', align: 'right', leaves: 2},
  {name: 'REJECTED', align: 'right', leaves: 1},
]

const countCells = (counts: Counts): readonly Cell[] =>
  SHOWN_COUNTS.map((name) => ({
    text: NUMBER.format(counts[name]),
    means: name === 'rejected' && counts[name] > 0 ? 'warning' : undefined,
  }))

/** Terminals that are narrow get minutes. */
const windowCell = (text: string): Cell => ({text, short: text.replaceAll(/T(\d\d:\d\d):[\d.]+Z/g, ' $1')})

const fullWhen = (at: number, screen: Screen): string =>
  screen.columns === undefined ? instant(at) : `${formatWhen(at, screen)} (${instant(at)})`

/** Draws a bar for each day on which production runs stored records; days go by UTC. */
export function chartOfDays(runs: readonly PastRun[], screen: Screen): string {
  const days = new Map<string, number>()
  for (const commit of runs.filter(countsInProduction).flatMap(({commits}) => commits)) {
    const day = new Date(commit.at).toISOString().slice(0, 10)
    days.set(day, (days.get(day) ?? 0) + commit.counts.inserted + commit.counts.updated)
  }
  const most = Math.max(1, ...days.values())
  const bars = [...days].map(([day, count]) => {
    const length = count === 0 ? 0 : Math.max(1, Math.round((count / most) * LONGEST_BAR))
    return [day, `${'█'.repeat(length)} ${NUMBER.format(count)}`] as const
  })
  return bars.length === 0
    ? ''
    : `Inserted or updated in production by these, by day (UTC)\n${formatFacts(bars.toSorted(byDay), screen)}`
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
  promotes: [...run.promotes],
  undoes: [...run.undoes],
  plan: run.applies?.plan ?? null,
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

const formatDuration = ({startedAt, endedAt}: PastRun): string =>
  endedAt === undefined ? '-' : formatSpan(endedAt - startedAt)

const secondsOf = ({startedAt, endedAt}: PastRun): number | undefined =>
  endedAt === undefined ? undefined : Math.max(0, endedAt - startedAt) / 1000

const byDay = ([one]: Fact, [other]: Fact): number => (one < other ? -1 : 1)
