import type {ErrorCode} from './error-codes.ts'

/** Exit codes stand in this one table, and nothing else chooses from it. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  rejects: 3,
  busy: 4,
  mode: 70,
  interrupted: 130,
  terminated: 143,
} as const

/** The exit code of a command that did what it should and was asked to tell where something would change. */
export const EXIT_CHANGES = 5

/** The exit code of a command that did what it should and found fields that are others at each reading: as rejects, to be looked at. */
export const EXIT_UNSTABLE = EXIT.rejects

export type Outcome = keyof typeof EXIT
export type ErrorOutcome = Exclude<Outcome, 'done' | 'rejects'>
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

const OUTCOME_OF_SIGNAL = {
  SIGINT: 'interrupted',
  SIGTERM: 'terminated',
  SIGHUP: 'terminated',
} as const satisfies Record<StopSignal, Outcome>

export interface ErrorDetails {
  /** The condition, for scripts. */
  readonly code: ErrorCode
  /** The next step of the user, in one line. */
  readonly next?: string
  readonly cause?: unknown
}

type Advice = ErrorDetails & {readonly next: string}

/** A user can meet this error: one line says what is wrong, one what to do. */
export class LorchestraError extends Error {
  override readonly name = 'LorchestraError'
  readonly outcome: ErrorOutcome
  readonly code: ErrorCode
  readonly next: string | undefined

  constructor(outcome: ErrorOutcome, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : {cause: details.cause})
    this.outcome = outcome
    this.code = details.code
    this.next = details.next
  }
}

/** Makes the error for flags, configuration, names or an environment that are wrong: nothing was contacted. */
export const usageError = (message: string, details: Advice): LorchestraError =>
  new LorchestraError('usage', message, details)

/** Makes the error for a run or command that failed. What a log alone will hold needs none: it is a plain Error. */
export const failure = (message: string, details: ErrorDetails): LorchestraError =>
  new LorchestraError('failed', message, details)

/** Makes the error for a source that broke its contract. `rule` says what it must do, where the message alone does not. */
export const sourceBug = (message: string, {rule, cause}: {rule?: string; cause?: unknown} = {}): LorchestraError => {
  const bug = rule === undefined ? 'This is a bug in the source' : `This is a bug in the source: ${rule}`
  return failure(message, {code: 'E_SOURCE_BUG', next: `${bug}; please report it to whoever maintains it.`, cause})
}

/** Gives what a source threw a code, and keeps its words; lorchestra's own errors that came through it stay themselves. */
export const sourceFailure = (
  thrown: unknown,
  code: 'E_SOURCE_FAILED' | 'E_LOGIN_FAILED' = 'E_SOURCE_FAILED',
): LorchestraError =>
  thrown instanceof LorchestraError ? thrown : failure(asError(thrown).message, {code, cause: thrown})

/** Makes the error for another run of the stream, or another process on the warehouse's file, that is in the way. */
export const busy = (message: string, details: Advice): LorchestraError => new LorchestraError('busy', message, details)

/** The run mode and the flags disagree: a bug of lorchestra, so nothing may be written. */
export const modeError = (message: string): LorchestraError =>
  new LorchestraError('mode', message, {
    code: 'E_MODE',
    next: 'This is a bug in lorchestra; nothing was written. Please report it.',
  })

export const stopped = (
  signal: StopSignal,
  next = 'Finished commits are kept; the same command goes on from there.',
): LorchestraError => new LorchestraError(OUTCOME_OF_SIGNAL[signal], `stopped by ${signal}`, {code: 'E_STOPPED', next})

export const codeOf = (error: unknown): ErrorCode => (error instanceof LorchestraError ? error.code : 'E_UNEXPECTED')

export const outcomeOf = (error: unknown): ErrorOutcome => (error instanceof LorchestraError ? error.outcome : 'failed')

const SEVERITY = {
  mode: 7,
  interrupted: 6,
  terminated: 5,
  failed: 4,
  busy: 3,
  usage: 2,
  rejects: 1,
  done: 0,
} as const satisfies Record<Outcome, number>

/** Chooses the exit code of a command that ran several jobs: that of the most severe outcome. */
export function exitCodeOf(outcomes: readonly Outcome[]): number {
  const [worst = 'done'] = outcomes.toSorted((one, other) => SEVERITY[other] - SEVERITY[one])
  return EXIT[worst]
}

/** JavaScript throws anything, nothing included; whoever has caught something must not take it for success. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  const message = typeof thrown === 'object' && thrown !== null && 'message' in thrown ? thrown.message : thrown
  if (typeof message === 'string' && message !== '') return new Error(message)
  return new Error(`something was thrown that says nothing (${thrown === null ? 'null' : typeof thrown})`)
}

const LONGEST_MESSAGE = 4000

/** Joins the message with those of its causes, outermost first, without what an outer one already says. */
export function messageWithCauses(error: unknown): string {
  const messages: string[] = []
  let current = asError(error)
  for (let depth = 0; depth < 8; depth += 1) {
    const {message, cause} = current
    if (message !== '' && !messages.some((outer) => outer.includes(message))) messages.push(message)
    // What Node throws when no address of a host answers has its messages here alone.
    const inner = cause ?? (current instanceof AggregateError ? (current.errors[0] as unknown) : undefined)
    if (inner === undefined) break
    current = asError(inner)
  }
  return oneLine(messages.join(': '), LONGEST_MESSAGE) || `${oneLine(current.name, 100)} without a message`
}

// oxlint-disable-next-line no-control-regex -- finding them is the point
const BREAKS = /[\s\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+/g

/** Makes a text from outside fit for a line on a screen and for any warehouse: no line ends, no lone surrogates, not too long. */
export function oneLine(text: string, longest: number): string {
  const whole = text.length <= longest ? text : `${text.slice(0, longest)}…`
  return whole.toWellFormed().replaceAll(BREAKS, ' ').trim()
}

/** Ends the process at a second signal: the user does not want to wait for anything. */
export function exitNow(signal: StopSignal): never {
  // oxlint-disable-next-line no-restricted-properties -- this is the place
  process.exit(EXIT[OUTCOME_OF_SIGNAL[signal]])
}

/** Ends a process that worked for another one, which is gone: nobody is left to tell. */
export function exitWithHost(): never {
  // oxlint-disable-next-line no-restricted-properties -- this is the place
  process.exit(EXIT.done)
}

/** Makes a failure of an exit that tells nothing worse, while the process is ending. */
export function exitAsFailed(code: number, message: string): void {
  if (code !== EXIT.done && code !== EXIT.rejects) return
  if (message !== '') process.stderr.write(`Error: ${message}\n`)
  // oxlint-disable-next-line no-restricted-properties -- this is the place
  process.exitCode = EXIT.failed
}
