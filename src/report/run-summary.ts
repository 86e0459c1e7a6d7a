import type {Counts} from '../model/counts.ts'
import {errorMemberOf, formatNext} from '../base/error-output.ts'
import {codeOf, messageWithCauses, type Outcome} from '../base/errors.ts'
import {printable} from '../base/printable.ts'
import {outcomeOfRun, type FinishedRun, type RunDescription, type SavedPlan} from '../run/finished-run.ts'
import {rowOf} from '../model/run-mode.ts'
import type {Preview} from '../sink/sink.ts'
import type {Estimate, RateLimit} from '../source.ts'
import {formatWindow, windowAsText, type TimeWindow} from '../model/window.ts'
import {formatBytes} from './bytes-text.ts'
import {diffMemberOf, formatDiff, type DiffContext} from './diff-text.ts'
import {commandToRetry} from './rejects-text.ts'
import {formatSchemaChanges, schemaMemberOf} from './schema-text.ts'
import type {RunMember} from './documents/run.ts'
import {formatSpan} from '../base/span.ts'

const SAMPLE_CHARACTERS = 500
const NUMBER = new Intl.NumberFormat('en-US')

export function banner({mode, warehouse, written, notes}: RunDescription): readonly string[] {
  const tables = written === undefined ? '' : `${written.eventLog}, ${written.rawObjects}`
  const line = rowOf(mode).banner?.({warehouse, tables})
  return [...(line === undefined ? [] : [line]), ...notes.map((note) => `Note: ${note}`)]
}

export function formatWindows({job, source, account}: RunDescription, windows: readonly TimeWindow[]): string {
  const whose = account === null ? source : `${source}, account ${account}`
  const what = windows.length === 0 ? 'nothing new to read' : windows.map(formatWindow).join('; ')
  return `${job} (${whose}): ${what}`
}

const SHORT = 1

/** Says nothing where it is over soon. */
export function formatEstimate({records, units, unitsPerMinute}: Estimate & RateLimit): readonly string[] {
  const minutes = Math.ceil(units / unitsPerMinute)
  if (minutes <= SHORT) return []
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
  const time = [hours > 0 ? `${NUMBER.format(hours)} h` : '', rest > 0 ? `${rest} min` : ''].filter(Boolean).join(' ')
  return [
    indent(
      `${NUMBER.format(records)} records to fetch: about ${time} at ${NUMBER.format(unitsPerMinute)} units a minute. It may be stopped at any time; the same command goes on`,
    ),
  ]
}

export const formatPriceOfDiff = (warehouse: string, bytes: number): string =>
  indent(`${warehouse} estimates that comparing reads up to ${formatBytes(bytes)} for each commit`)

/** Gives the lines that close a run that ended well. */
export function summary(run: FinishedRun, maskSecrets: (text: string) => string): readonly string[] {
  const {description, report, diff, seconds} = run
  const preview = diff === undefined || run.preview === undefined ? run.preview : {...run.preview, duplicates: 0}
  const {mode, job} = description
  const {linePrefix, lineSuffix} = rowOf(mode)
  const lines = [
    `${linePrefix}${job}: ${formatCounts(report.counts, preview)}, completed in ${formatSpan(seconds * 1000)}${lineSuffix}`,
    ...(diff === undefined ? [] : formatDiff(diff, diffContext(run, maskSecrets)).map(indent)),
    ...outcomeNotes(run).map(indent),
    ...(run.plan === undefined ? [] : formatSavedPlan(run.plan).map(indent)),
  ]
  for (const {idemKey, json} of preview?.samples ?? []) {
    const text = maskSecrets(json)
    const rest = text.length - SAMPLE_CHARACTERS
    lines.push(
      `  sample ${printable(maskSecrets(idemKey))}`,
      `    ${printable(text.slice(0, SAMPLE_CHARACTERS))}${rest > 0 ? `… (${NUMBER.format(rest)} more)` : ''}`,
    )
  }
  return lines
}

const formatSavedPlan = ({path, id, expiresAt}: SavedPlan): readonly string[] => [
  `plan ${id}, which holds all payloads in clear, until ${expiresAt.toISOString()}: lorchestra apply ${path}`,
]

const diffContext = ({description, report}: FinishedRun, maskSecrets: (text: string) => string): DiffContext => ({
  isWritten: description.written !== undefined,
  rejected: report.counts.rejected,
  known: report.counts.known,
  maskSecrets,
})

/** Gives the lines that close a run that did not; the last one says what is in. */
export function failureSummary(run: FinishedRun): readonly string[] {
  const {description, report, seconds} = run
  const {error} = report
  return [
    `✗ ${description.job}: ${messageWithCauses(error)} [${codeOf(error)}] (after ${formatSpan(seconds * 1000)})`,
    ...formatNext(error),
    indent(formatWhatIsIn(run)),
  ]
}

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  done: 'done',
  rejects: 'done with new rejects',
  failed: 'failed',
  usage: 'refused',
  busy: 'kept out by another run',
  mode: 'without a run mode',
  interrupted: 'stopped',
  terminated: 'stopped',
}

/** Gives the last line of a command that ran several jobs. */
export function summaryOfJobs(outcomes: readonly Outcome[]): string {
  const parts = [...new Set(Object.values(OUTCOMES))].map((words) => {
    const count = outcomes.filter((outcome) => OUTCOMES[outcome] === words).length
    return count > 0 ? `${count} ${words}` : ''
  })
  return `${outcomes.length} jobs: ${parts.filter(Boolean).join(', ')}`
}

function formatWhatIsIn({description, report}: FinishedRun): string {
  if (description.written === undefined) return 'Nothing was written: it was a dry run.'
  const {counts, commits, dropped, windows} = report
  const stored = `${NUMBER.format(counts.inserted + counts.updated + counts.unchanged)} stored`
  const read =
    commits === 0
      ? stored
      : `${stored} (${windows.length === 0 ? 'up to a checkpoint of the source' : windows.map(formatWindow).join('; ')})`
  const again =
    dropped === 0
      ? ''
      : `, ${NUMBER.format(dropped)} fetched ${dropped === 1 ? 'record' : 'records'} will be read again`
  return `${read}${again}; the same command ${commits === 0 ? 'starts over' : 'goes on from there'}.`
}

/** `preview`: of a run that wrote nothing, what it saw of its records. */
export function formatCounts(counts: Counts, preview: Preview | undefined): string {
  const parts = [`${NUMBER.format(counts.extracted)} extracted`]
  if (preview === undefined)
    parts.push(`${NUMBER.format(counts.inserted)} inserted`, `${NUMBER.format(counts.updated)} updated`)
  if (preview !== undefined && preview.duplicates === undefined)
    parts.push('duplicates unknown (too many keys to compare)')
  const others: Partial<Record<keyof Counts, number>> = {
    unchanged: counts.unchanged,
    duplicates: preview === undefined ? counts.duplicates : (preview.duplicates ?? 0),
    known: counts.known,
    outside: counts.outside,
    gone: counts.gone,
    rejected: counts.rejected,
    deleted: counts.deleted,
  }
  for (const [name, count] of Object.entries(others)) {
    if (count > 0) parts.push(`${NUMBER.format(count)} ${name === 'outside' ? 'outside of the window' : name}`)
  }
  return parts.join(', ')
}

function outcomeNotes({description, report, runId, storedUnknown, limited}: FinishedRun): readonly string[] {
  const notes: string[] = []
  if (report.newSelection) notes.push('The selection of this job changed, so its coverage begins anew.')
  if (report.droppedBookmark !== undefined)
    notes.push(
      'The bookmark of the last run was of no use, so its time was read again; deletions since then stay unknown.',
    )
  if (report.swept !== undefined) {
    const {listed, unknown} = report.swept
    notes.push(`All ${NUMBER.format(listed)} keys that exist were listed; not stored: ${NUMBER.format(unknown)}.`)
  }
  if (storedUnknown) notes.push('No warehouse was opened, so records that are stored already were read again.')
  if (report.counts.rejected > 0) {
    notes.push(
      description.written === undefined
        ? 'Rejected records would not be stored; the log says why, and with --log-level debug names each of them.'
        : `Rejected records were not stored: lorchestra rejects list ${runId}`,
    )
  }
  if (report.openRejects !== undefined) notes.push(formatOpenRejects(description, report.openRejects))
  notes.push(...formatSchemaChanges(description.job, report.schema.changes))
  const {cursor, windows, bytesBilled = 0} = report
  if (bytesBilled > 0) notes.push(`${description.warehouse} billed ${formatBytes(bytesBilled)}.`)
  if (cursor === undefined || description.written === undefined) return notes
  if (limited) notes.push(`A limited run moves no cursor: the next plain run begins ${at(cursor.before)}.`)
  else if ((windows[0]?.since ?? -Infinity) > cursor.before && cursor.after === cursor.before) {
    notes.push(
      `The cursor did not move: there is a gap before this window. The next plain run begins ${at(cursor.before)}.`,
    )
  }
  return notes
}

/** A plain run goes on after them, so nobody would read them again. */
function formatOpenRejects({job, mode}: RunDescription, open: number): string {
  if (open === 0) return 'No rejected record of this job is left.'
  const records =
    open === 1 ? '1 rejected record of this job is' : `${NUMBER.format(open)} rejected records of this job are`
  return `${records} not stored; when the cause is cured: ${commandToRetry(job, mode)}`
}

const at = (instant: number): string =>
  Number.isFinite(instant) ? `at ${new Date(instant).toISOString()}` : 'with the very first record'

const indent = (line: string): string => `  ${line}`

/** Gives one element of `runs` in the document of `--json`. */
export function runMemberOf(run: FinishedRun, maskSecrets: (text: string) => string): RunMember {
  const {description, report, preview} = run
  const {counts, error} = report
  return {
    run_id: run.runId,
    job: description.job,
    source: description.source,
    account: description.account,
    mode: description.mode,
    outcome: outcomeOfRun(report),
    started_at: run.startedAt.toISOString(),
    duration_seconds: run.seconds,
    warehouse: description.warehouse,
    tables:
      description.written === undefined
        ? null
        : {event_log: description.written.eventLog, raw_objects: description.written.rawObjects},
    windows: report.windows.map(windowAsText),
    limited: run.limited,
    commits: report.commits,
    ...(report.bytesBilled !== undefined && {bytes_billed: report.bytesBilled}),
    counts: preview === undefined ? counts : previewCounts(counts, preview),
    ...(report.openRejects !== undefined && {open_rejects: report.openRejects}),
    cursor:
      report.cursor === undefined
        ? null
        : {before: instantOf(report.cursor.before), after: instantOf(report.cursor.after)},
    notes: [...description.notes, ...outcomeNotes(run)],
    ...(report.schema.changes.length > 0 && {schema: schemaMemberOf(report.schema)}),
    ...(preview !== undefined && {
      samples: preview.samples.map(({idemKey, json}) => ({
        idem_key: maskSecrets(idemKey),
        payload: maskSecrets(json).slice(0, SAMPLE_CHARACTERS),
      })),
    }),
    ...(run.diff !== undefined && {diff: diffMemberOf(run.diff, diffContext(run, maskSecrets))}),
    ...(run.plan !== undefined && {
      plan: {id: run.plan.id, file: run.plan.path, expires_at: run.plan.expiresAt.toISOString()},
    }),
    ...(error !== undefined && {error: errorMemberOf(error, maskSecrets)}),
  }
}

const instantOf = (instant: number): string | null =>
  Number.isFinite(instant) ? new Date(instant).toISOString() : null

/** What a write would have done is not known, and not guessed. */
const previewCounts = (counts: Counts, {duplicates}: Preview): RunMember['counts'] => ({
  ...counts,
  inserted: null,
  updated: null,
  unchanged: null,
  duplicates: duplicates ?? null,
})
