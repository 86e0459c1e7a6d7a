import {LorchestraError, messageWithCauses} from './errors.ts'
import type {Mask} from './log.ts'
import {progressLine, type ProgressState} from './progress-line.ts'
import {
  banner,
  describeEstimate,
  describeWindows,
  errorDocument,
  failureSummary,
  runDocument,
  summary,
  type FinishedRun,
  type RunDescription,
} from './report.ts'
import type {RunObserver, RunProgress} from './run-jobs.ts'
import type {Estimate, RateLimit} from './source.ts'
import type {TimeWindow} from './window.ts'

const REDRAW_MILLISECONDS = 100
const IDLE_REDRAW_MILLISECONDS = 1000
const CLEAR_LINE = '\r\u001B[K'
const NOTHING_DONE = {extracted: 0, listed: 0, units: 0, expected: undefined, waitingUntil: undefined}

interface ReporterOptions {
  readonly json: boolean
  readonly mask: Mask
  /** Filled with one document for each run. */
  readonly documents: object[]
  readonly terminal?: Terminal
}

interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Results on stdout, errors and one line of progress (where there is a terminal) on stderr. */
export class TerminalReporter implements RunObserver {
  readonly #options: ReporterOptions
  readonly #terminal: Terminal
  #state: ProgressState = {job: '', startedAt: 0, ...NOTHING_DONE}
  /** It is the same for all jobs of one command. */
  #bannerShown = false
  #drawnAt = 0
  /** Draws while nothing happens, so that a wait is seen to end. */
  #ticking: NodeJS.Timeout | undefined

  constructor(options: ReporterOptions) {
    this.#options = options
    this.#terminal = options.terminal ?? process.stderr
  }

  get currentJob(): string {
    return this.#state.job
  }

  described(description: RunDescription): void {
    this.#state = {job: description.job, startedAt: Date.now(), ...NOTHING_DONE}
    const lines = banner(description)
    if (!this.#bannerShown && lines.length > 0) this.#print(lines)
    this.#bannerShown = true
  }

  planned(description: RunDescription, windows: readonly TimeWindow[]): void {
    this.#print([describeWindows(description, windows)])
  }

  estimated(_description: RunDescription, estimate: Estimate & RateLimit): void {
    this.#clearProgress()
    this.#state = {...this.#state, expected: estimate.records, startedAt: Date.now()}
    this.#print(describeEstimate(estimate))
  }

  progressed(_description: RunDescription, update: RunProgress): void {
    const {extracted, listed, units} = this.#state
    this.#state = {
      ...this.#state,
      extracted: extracted + (update.extracted ?? 0),
      listed: listed + (update.listed ?? 0),
      units: units + (update.units ?? 0),
      ...(update.waitingUntil !== undefined && {waitingUntil: update.waitingUntil.getTime()}),
    }
    if (this.#terminal.isTTY !== true) return
    this.#ticking ??= setInterval(() => this.#draw(), IDLE_REDRAW_MILLISECONDS).unref()
    if (update.waitingUntil !== undefined || Date.now() - this.#drawnAt >= REDRAW_MILLISECONDS) this.#draw()
  }

  finished(run: FinishedRun): void {
    this.#clearProgress()
    this.#options.documents.push(runDocument(run, this.#options.mask.apply))
    if (run.report.error === undefined) this.#print(summary(run))
    else this.#printErrors(failureSummary(run), run.report.error)
  }

  refused(job: string, error: unknown): void {
    this.#clearProgress()
    this.#options.documents.push({job, error: errorDocument(error, this.#options.mask.apply)})
    const next = error instanceof LorchestraError && error.next !== undefined ? [`  → ${error.next}`] : []
    const message = messageWithCauses(error)
    this.#printErrors([`Error: ${message.includes(job) ? message : `${job}: ${message}`}`, ...next], error)
  }

  #draw(): void {
    this.#drawnAt = Date.now()
    const line = progressLine(this.#state, this.#drawnAt)
    // A line that wraps could not be drawn over.
    this.#terminal.write(`${CLEAR_LINE}${line.slice(0, (this.#terminal.columns ?? 80) - 1)}`)
  }

  #clearProgress(): void {
    clearInterval(this.#ticking)
    this.#ticking = undefined
    if (this.#drawnAt > 0) this.#terminal.write(CLEAR_LINE)
    this.#drawnAt = 0
  }

  #print(lines: readonly string[]): void {
    if (!this.#options.json && lines.length > 0) process.stdout.write(this.#options.mask.apply(`${lines.join('\n')}\n`))
  }

  #printErrors(lines: readonly string[], error: unknown): void {
    const {json, mask} = this.#options
    if (!json) process.stderr.write(mask.apply(`${lines.join('\n')}\n`))
    const debugging = (process.env['DEBUG'] ?? '') !== ''
    if (debugging && error instanceof Error) process.stderr.write(mask.apply(`${error.stack ?? ''}\n`))
  }
}
