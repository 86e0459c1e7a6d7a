import {LorchestraError, messageWithCauses} from './errors.ts'
import type {Mask} from './log.ts'
import {
  banner,
  describeWindows,
  errorDocument,
  failureSummary,
  runDocument,
  summary,
  type FinishedRun,
  type RunDescription,
} from './report.ts'
import type {RunObserver, RunProgress} from './run-jobs.ts'
import type {TimeWindow} from './window.ts'

const REDRAW_MILLISECONDS = 100
const CLEAR_LINE = '\r\u001B[K'

interface ReporterOptions {
  readonly json: boolean
  readonly mask: Mask
  /** Filled with one document for each run. */
  readonly documents: object[]
}

/** Results on stdout, errors and one line of progress (where there is a terminal) on stderr. */
export class TerminalReporter implements RunObserver {
  readonly #options: ReporterOptions
  #job = ''
  /** It is the same for all jobs of one command. */
  #bannerShown = false
  #extracted = 0
  #listed = 0
  #waitingUntil: Date | undefined
  #startedAt = 0
  #drawnAt = 0

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  get currentJob(): string {
    return this.#job
  }

  described(description: RunDescription): void {
    this.#job = description.job
    this.#extracted = 0
    this.#listed = 0
    this.#startedAt = performance.now()
    const lines = banner(description)
    if (!this.#bannerShown && lines.length > 0) this.#print(lines)
    this.#bannerShown = true
  }

  planned(description: RunDescription, windows: readonly TimeWindow[]): void {
    this.#print([describeWindows(description, windows)])
  }

  progressed(description: RunDescription, update: RunProgress): void {
    this.#extracted += update.extracted ?? 0
    this.#listed += update.listed ?? 0
    this.#waitingUntil = update.waitingUntil
    if (!process.stderr.isTTY || performance.now() - this.#drawnAt < REDRAW_MILLISECONDS) return
    this.#drawnAt = performance.now()
    const rate = Math.round(this.#extracted / Math.max((this.#drawnAt - this.#startedAt) / 1000, 0.001))
    const listed = this.#listed > 0 ? ` of ${this.#listed} listed` : ''
    const waiting =
      this.#waitingUntil === undefined
        ? ''
        : `, waiting for quota until ${this.#waitingUntil.toTimeString().slice(0, 8)}`
    process.stderr.write(`${CLEAR_LINE}${description.job}: ${this.#extracted} extracted${listed}, ${rate}/s${waiting}`)
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

  #clearProgress(): void {
    if (this.#drawnAt > 0) process.stderr.write(CLEAR_LINE)
    this.#drawnAt = 0
  }

  #print(lines: readonly string[]): void {
    if (!this.#options.json) process.stdout.write(this.#options.mask.apply(`${lines.join('\n')}\n`))
  }

  #printErrors(lines: readonly string[], error: unknown): void {
    const {json, mask} = this.#options
    if (!json) process.stderr.write(mask.apply(`${lines.join('\n')}\n`))
    const debugging = (process.env['DEBUG'] ?? '') !== ''
    if (debugging && error instanceof Error) process.stderr.write(mask.apply(`${error.stack ?? ''}\n`))
  }
}
