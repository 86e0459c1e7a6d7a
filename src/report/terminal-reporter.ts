import {errorMemberOf, formatError, stacksOf} from '../base/error-output.ts'
import {messageWithCauses, type Outcome} from '../base/errors.ts'
import type {Mask} from '../base/mask.ts'
import {columnsOf, paintFor, paintMarks} from '../base/screen.ts'
import {Pace} from './pace.ts'
import {progressLine, progressOfSeveral, type ProgressState} from './progress-line.ts'
import {
  banner,
  formatEstimate,
  formatPriceOfDiff,
  formatWindows,
  failureSummary,
  runMemberOf,
  summary,
  summaryOfJobs,
} from './run-summary.ts'
import type {FinishedRun, RunDescription} from '../run/finished-run.ts'
import type {RunObserver, RunProgress} from '../run/run-observer.ts'
import type {Estimate, RateLimit} from '../source.ts'
import type {TimeWindow} from '../model/window.ts'
import type {RunDocument} from './documents/run.ts'

const REDRAW_MILLISECONDS = 100
const IDLE_REDRAW_MILLISECONDS = 1000
/** Whoever looks at the log of a schedule sees so often that the run goes on; milliseconds. */
const SIGN_OF_LIFE = 60_000
/** A slice may take minutes; milliseconds. */
const SPAN_OF_SLICES = 600_000
const CLEAR_LINE = '\r\u001B[K'
const NOTHING_DONE = {
  extracted: 0,
  listed: 0,
  units: 0,
  expected: undefined,
  waitingUntil: undefined,
  heldBy: undefined,
  time: undefined,
}
const lengthOf = ({since, until}: TimeWindow): number => until - since

interface ReporterOptions {
  readonly json: boolean
  readonly mask: Mask
  /** It is filled with one element for each run. */
  readonly documents: RunDocument['runs'][number][]
  /** Prints to stdout. */
  readonly print: (text: string) => void
  readonly terminal?: Terminal
}

interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Puts results on stdout, errors and one line of progress (where there is a terminal) on stderr. */
export class TerminalReporter implements RunObserver {
  readonly #options: ReporterOptions
  readonly #terminal: Terminal
  readonly #running = new Map<string, ProgressState>()
  /** It is the same for all jobs of one command. */
  #bannerShown = false
  #drawnAt = 0
  /** Draws while nothing happens, so that a wait is seen to end. */
  #ticking: NodeJS.Timeout | undefined
  /** Writes a line a minute where there is no terminal. */
  #minutely: NodeJS.Timeout | undefined

  constructor(options: ReporterOptions) {
    this.#options = options
    this.#terminal = options.terminal ?? process.stderr
  }

  get runningJobs(): string {
    return [...this.#running.keys()].join(', ')
  }

  described(description: RunDescription): void {
    const {job} = description
    this.#running.set(job, this.#stateOf(job))
    if (this.#terminal.isTTY !== true) this.#minutely ??= setInterval(() => this.#tell(), SIGN_OF_LIFE).unref()
    const lines = banner(description)
    if (!this.#bannerShown && lines.length > 0) this.#print(lines)
    this.#bannerShown = true
  }

  planned(description: RunDescription, windows: readonly TimeWindow[]): void {
    this.#clearProgress()
    const {job} = description
    const planned = windows.reduce((sum, window) => sum + lengthOf(window), 0)
    if (Number.isFinite(planned))
      this.#running.set(job, {
        ...this.#stateOf(job),
        time: {planned, read: 0, pace: new Pace(Date.now(), SPAN_OF_SLICES)},
      })
    this.#print([formatWindows(description, windows)])
  }

  estimated({job}: RunDescription, estimate: Estimate & RateLimit): void {
    this.#clearProgress()
    this.#running.set(job, {...this.#stateOf(job), expected: estimate.records, pace: new Pace(Date.now())})
    this.#print(formatEstimate(estimate))
  }

  priced({warehouse}: RunDescription, bytes: number): void {
    this.#clearProgress()
    const line = formatPriceOfDiff(warehouse, bytes)
    if (this.#options.json) this.#terminal.write(`${line}\n`)
    else this.#print([line])
  }

  progressed({job}: RunDescription, update: RunProgress): void {
    const state = this.#stateOf(job)
    const {listed, units, pace, time} = state
    const extracted = state.extracted + (update.extracted ?? 0)
    pace.note(Date.now(), extracted)
    this.#running.set(job, {
      ...state,
      extracted,
      listed: listed + (update.listed ?? 0),
      units: units + (update.units ?? 0),
      ...(update.waitingUntil !== undefined && {waitingUntil: update.waitingUntil.getTime()}),
      ...(update.heldBy !== undefined && {heldBy: update.heldBy ?? undefined}),
      ...(update.read !== undefined &&
        time !== undefined && {time: {...time, read: time.read + lengthOf(update.read)}}),
    })
    if (this.#terminal.isTTY !== true) return
    this.#ticking ??= setInterval(() => this.#draw(), IDLE_REDRAW_MILLISECONDS).unref()
    if (update.waitingUntil !== undefined || Date.now() - this.#drawnAt >= REDRAW_MILLISECONDS) this.#draw()
  }

  finished(run: FinishedRun): void {
    this.#ended(run.description.job)
    this.#options.documents.push(runMemberOf(run, this.#options.mask.apply))
    if (run.report.error === undefined) this.#print(summary(run, this.#options.mask.apply))
    else this.#printErrors(failureSummary(run), run.report.error)
  }

  refused(job: string, error: unknown): void {
    this.#ended(job)
    this.#options.documents.push({job, error: errorMemberOf(error, this.#options.mask.apply)})
    const message = messageWithCauses(error)
    this.#printErrors(
      formatError(error, {
        message: message.includes(job) ? message : `${job}: ${message}`,
        paint: paintFor(process.stderr),
      }),
      error,
    )
  }

  allFinished(outcomes: readonly Outcome[]): void {
    if (outcomes.length > 1) this.#print([summaryOfJobs(outcomes)])
  }

  #stateOf(job: string): ProgressState {
    return this.#running.get(job) ?? {job, pace: new Pace(Date.now()), ...NOTHING_DONE}
  }

  #draw(): void {
    if (this.#running.size === 0) return
    this.#drawnAt = Date.now()
    // A line that wraps could not be drawn over.
    this.#terminal.write(`${CLEAR_LINE}${this.#line(columnsOf(this.#terminal) - 1)}`)
  }

  #tell(): void {
    this.#terminal.write(`${new Date().toISOString()} ${this.#options.mask.apply(this.#line())}\n`)
  }

  #line(columns?: number): string {
    const [state, ...others] = this.#running.values()
    if (state === undefined) return ''
    const now = Date.now()
    return others.length === 0 ? progressLine(state, now, columns) : progressOfSeveral([state, ...others], now, columns)
  }

  #ended(job: string): void {
    this.#clearProgress()
    this.#running.delete(job)
    if (this.#running.size > 0) return
    clearInterval(this.#minutely)
    this.#minutely = undefined
  }

  #clearProgress(): void {
    clearInterval(this.#ticking)
    this.#ticking = undefined
    if (this.#drawnAt > 0) this.#terminal.write(CLEAR_LINE)
    this.#drawnAt = 0
  }

  #print(lines: readonly string[]): void {
    if (!this.#options.json && lines.length > 0)
      this.#options.print(paintMarks(this.#options.mask.apply(`${lines.join('\n')}\n`), paintFor(process.stdout)))
  }

  #printErrors(lines: readonly string[], error: unknown): void {
    const {json, mask} = this.#options
    if (!json) process.stderr.write(paintMarks(mask.apply(`${lines.join('\n')}\n`), paintFor(process.stderr)))
    const debugging = (process.env['DEBUG'] ?? '') !== ''
    if (debugging) process.stderr.write(mask.apply(`${stacksOf(error)}\n`))
  }
}
