import {asError, failure, sourceBug, LorchestraError} from '../../base/errors.ts'

/** An error on its way across the wall. */
export interface ErrorMessage {
  readonly name: string
  readonly message: string
  /** Where in the source it was thrown, for whoever debugs it. */
  readonly stack?: string
  /** Number of an error that came from the other side before; it goes back as itself. */
  readonly known?: number
  /** Set where the code around the source found the source to be wrong. */
  readonly bug?: {readonly code: 'E_SOURCE_BUG' | 'E_SOURCE_FAILED'; readonly next?: string}
  readonly cause?: ErrorMessage
}

const DEEPEST_CAUSE = 8
const LONGEST_STACK = 8000
/** So many errors that crossed the wall may come back as themselves. */
const MOST_KNOWN = 1000

/** Remembers errors that the host sent into the box: what a source lets pass comes back with its code and outcome. */
export class KnownErrors {
  readonly #byNumber = new Map<number, Error>()
  #last = 0

  add(error: Error): number {
    this.#last += 1
    this.#byNumber.set(this.#last, error)
    this.#byNumber.delete(this.#last - MOST_KNOWN)
    return this.#last
  }

  get(number: number | undefined): Error | undefined {
    return number === undefined ? undefined : this.#byNumber.get(number)
  }
}

/** The box remembers which errors came from the host, by their number there. */
const numbers = new WeakMap<Error, number>()

export function toMessage(thrown: unknown, depth = 0): ErrorMessage {
  const error = asError(thrown)
  const {name, message, cause} = error as {name: unknown; message: unknown; cause?: unknown}
  const known = numbers.get(error)
  const inner = cause ?? (error instanceof AggregateError ? (error.errors[0] as unknown) : undefined)
  const isAtFault =
    error instanceof LorchestraError && (error.code === 'E_SOURCE_BUG' || error.code === 'E_SOURCE_FAILED')
  return {
    name: String(name),
    message: refusalIn(error) ?? refusalWithin(error) ?? String(message),
    ...(typeof error.stack === 'string' && {stack: error.stack.slice(0, LONGEST_STACK)}),
    ...(known !== undefined && {known}),
    ...(isAtFault && {
      bug: {
        code: error.code,
        ...(error.next !== undefined && {next: error.next}),
      },
    }),
    ...(inner !== undefined && depth < DEEPEST_CAUSE && {cause: toMessage(inner, depth + 1)}),
  }
}

const REFUSED: Readonly<Record<string, string>> = {
  FileSystemRead: 'read',
  FileSystemWrite: 'write',
  ChildProcess: 'start a process',
  WorkerThreads: 'start a worker thread',
  Inspector: 'open an inspector',
  WASI: 'use WASI',
}

/** An error that only repeats what it wraps repeats the better words, too. */
function refusalWithin({message, cause}: Error): string | undefined {
  return cause instanceof Error && cause.message === message ? refusalIn(cause) : undefined
}

/** Says what the box refused in words that need no knowledge of Node's permissions. */
function refusalIn(error: Error): string | undefined {
  const {code, permission, resource} = error as {code?: unknown; permission?: unknown; resource?: unknown}
  if (code === 'ERR_DLOPEN_DISABLED') return 'a source runs in a box, and this one tried to load native code'
  if (code !== 'ERR_ACCESS_DENIED') return undefined
  const what = REFUSED[String(permission)] ?? 'use what it may not'
  const where = typeof resource === 'string' && resource !== '' ? ` ${resource}` : ''
  return `a source runs in a box, and this one tried to ${what}${where}`
}

/**
 * Makes the error of the host's side; `masked` hides secrets in what the source wrote. Codes other than those of a source at fault are
 * not the box's to give.
 */
export function fromBox(message: ErrorMessage, known: KnownErrors, masked: (text: string) => string): Error {
  const original = known.get(message.known)
  if (original !== undefined) return original
  const cause = message.cause === undefined ? undefined : fromBox(message.cause, known, masked)
  const error = errorOf(message, masked, cause === undefined ? {} : {cause})
  if (message.stack !== undefined) error.stack = masked(message.stack)
  return error
}

function errorOf({name, message, bug}: ErrorMessage, masked: (text: string) => string, details: ErrorOptions): Error {
  const text = masked(message)
  if (bug === undefined) {
    const error = new Error(text, details)
    error.name = masked(name)
    return error
  }
  const made = bug.code === 'E_SOURCE_BUG' ? sourceBug(text, details) : failure(text, {code: bug.code, ...details})
  if (bug.next === undefined) return made
  return new LorchestraError(made.outcome, made.message, {code: made.code, next: masked(bug.next), ...details})
}

/** Makes the error of the box's side. */
export function fromHost(message: ErrorMessage): Error {
  const cause = message.cause === undefined ? undefined : fromHost(message.cause)
  const error = new Error(message.message, cause === undefined ? undefined : {cause})
  error.name = message.name
  if (message.known !== undefined) numbers.set(error, message.known)
  return error
}

/** Tells whether what came across the wall is an error, causes and all. */
export function isErrorMessage(value: unknown): value is ErrorMessage {
  if (typeof value !== 'object' || value === null) return false
  const {name, message, stack, cause, bug} = value as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || typeof message !== 'string') return false
  if (stack !== undefined && typeof stack !== 'string') return false
  if (bug !== undefined && !isBug(bug)) return false
  return cause === undefined || isErrorMessage(cause)
}

function isBug(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const {code, next} = value as Readonly<Record<string, unknown>>
  return (code === 'E_SOURCE_BUG' || code === 'E_SOURCE_FAILED') && (next === undefined || typeof next === 'string')
}
