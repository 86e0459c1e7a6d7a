import {asError, outcomeOf, type Outcome} from '../base/errors.ts'
import {writesProduction} from '../model/run-mode.ts'
import {runJobs, type RunJobsOptions} from '../run/run-jobs.ts'
import type {DiffMember} from './documents/diff.ts'
import type {RunDocument, RunMember} from './documents/run.ts'
import {keepDiff, pruneDifferences} from './kept-differences.ts'
import {TerminalReporter} from './terminal-reporter.ts'

export interface ReportedRuns extends Omit<RunJobsOptions, 'signal' | 'observer' | 'notifier'> {
  readonly json: boolean
  /** Somebody named a number of rows for the diff, and so wants them to be kept with it. */
  readonly keepsRows: boolean
  /** It is filled with one element for each run. */
  readonly documents: RunDocument['runs'][number][]
  /** Prints to stdout. */
  readonly print: (text: string) => void
  /** Listens for what stops the runs, until it is closed. */
  readonly listen: (runningJobs: () => string) => {readonly signal: AbortSignal; close(): void}
}

/** Runs jobs, tells people or `--json` of them, and whoever is to be notified. */
export async function runReported({
  listen,
  json,
  keepsRows,
  documents,
  print,
  ...options
}: ReportedRuns): Promise<readonly Outcome[]> {
  const {config, commandLine, mode, mask, log} = options
  await pruneDifferences(commandLine.dataDir, Date.now(), log)
  const notified = writesProduction(mode) && config.notifications !== undefined
  const notifier = notified ? (await import('./notifier.ts')).createNotifier(config, mask, log) : undefined
  const observer = new TerminalReporter({json, mask, documents, print})
  const stop = listen(() => observer.runningJobs)
  stop.signal.addEventListener('abort', () => {
    const {message} = asError(stop.signal.reason)
    log.warn(`${message}: what is being written now is finished first; another signal, from a second on, ends at once`)
  })
  try {
    const outcomes = await runJobs({...options, signal: stop.signal, observer, notifier})
    observer.allFinished(outcomes)
    const place = {dataDir: commandLine.dataDir, configPath: config.path}
    for (const run of documents) if (hasDiffOfProduction(run)) await keepDiff(place, run, {withRows: keepsRows, log})
    // A stop is told even where it came during the last commit: other jobs may not have begun.
    return stop.signal.aborted ? [...outcomes, outcomeOf(stop.signal.reason)] : outcomes
  } finally {
    stop.close()
  }
}

const hasDiffOfProduction = (run: RunDocument['runs'][number]): run is RunMember & {readonly diff: DiffMember} =>
  'diff' in run && run.diff !== undefined && run.tables === null
