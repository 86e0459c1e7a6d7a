import {asError, failure, sourceBug, LorchestraError} from '../../base/errors.ts'

/** An error on its way across the wall. */
export interface ErrorMessage {
  readonly name: string
  readonly message: string
  /** Where in the source it was thrown, for whoever debugs it. */
  readonly stack?: string
  /** Number of an error that came from the host before, in the same slice; it goes back as itself. */
  readonly known?: number
  /** Set where the code around the source found the source to be wrong. */
  readonly bug?: {readonly code: 'E_SOURCE_BUG' | 'E_SOURCE_FAILED'; readonly next?: string}
  readonly cause?: ErrorMessage
}

const DEEPEST_CAUSE = 8
const LONGEST_STACK = 8000
/** So many errors that crossed the wall may come back as themselves. */
const MOST_KNOWN = 1000

interface Sent {
  readonly error: Error
  readonly contexts: Set<number>
}

/**
 * Remembers what the host answered with an error: what a source lets pass comes back with its code and outcome. It does so in the
 * contexts where it was the answer, while they are open: elsewhere an old "busy" would be the exit code of something else.
 */
export class KnownErrors {
  readonly #sent = new Map<number, Sent>()
  readonly #numbers = new WeakMap<Error, number>()
  #last = 0

  add(error: Error, contexts: readonly number[]): void {
    const number = this.#numbers.get(error) ?? (this.#last += 1)
    this.#numbers.set(error, number)
    const known = this.#sent.get(number)?.contexts ?? []
    this.#sent.set(number, {error, contexts: new Set([...known, ...contexts])})
    this.#sent.delete(number - MOST_KNOWN)
  }

  /** Forgets a context that has ended. */
  end(context: number): void {
    for (const [number, {contexts}] of this.#sent) {
      contexts.delete(context)
      if (contexts.size === 0) this.#sent.delete(number)
    }
  }

  numberOf(error: unknown): number | undefined {
    return error instanceof Error ? this.#numbers.get(error) : undefined
  }

  /** Gives the error of the host that came out of the box in this context, else the one that came. */
  original(came: unknown, context: number): unknown {
    const number = came instanceof Error ? numbers.get(came) : undefined
    const sent = number === undefined ? undefined : this.#sent.get(number)
    return sent?.contexts.has(context) === true ? sent.error : came
  }
}

/** Both sides remember which errors came from the other, and the number of the host's error that they say they are. */
const numbers = new WeakMap<Error, number>()

export function toMessage(thrown: unknown, depth = 0): ErrorMessage {
  const error = asError(thrown)
  const {name, message, cause} = error as {name: unknown; message: unknown; cause?: unknown}
  // What only gives the host's error a code is the host's error.
  const known =
    numbers.get(error) ?? (cause instanceof Error && cause.message === message ? numbers.get(cause) : undefined)
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
export function fromBox(message: ErrorMessage, masked: (text: string) => string): Error {
  const cause = message.cause === undefined ? undefined : fromBox(message.cause, masked)
  const error = errorOf(message, masked, cause === undefined ? {} : {cause})
  if (message.known !== undefined) numbers.set(error, message.known)
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
  const {name, message, stack, known, cause, bug} = value as Readonly<Record<string, unknown>>
  if (known !== undefined && typeof known !== 'number') return false
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
