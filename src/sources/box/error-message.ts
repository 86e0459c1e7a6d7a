import {asError, failure, sourceBug, LorchestraError} from '../../base/errors.ts'
import {isRefusal, refusalIn, RefusedByBox, wordsForRefusal, type Refusal} from './refusal.ts'

/** An error on its way across the wall. */
export interface ErrorMessage {
  readonly name: string
  readonly message: string
  /** Where in the source it was thrown, for whoever debugs it. */
  readonly stack?: string
  /** Number of an error that came from the host before, in the same slice; it goes back as itself. */
  readonly known?: number
  /** Status of the service's answer that it tells of. */
  readonly status?: number
  /** Set where it says that the box refused something. */
  readonly refused?: Refusal
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
  const {name, message, cause, status} = error as {name: unknown; message: unknown; cause?: unknown; status?: unknown}
  // What only gives the host's error a code is the host's error.
  const known =
    numbers.get(error) ?? (cause instanceof Error && cause.message === message ? numbers.get(cause) : undefined)
  const refused = refusalIn(error)
  const inner = cause ?? (error instanceof AggregateError ? (error.errors[0] as unknown) : undefined)
  const isAtFault =
    error instanceof LorchestraError && (error.code === 'E_SOURCE_BUG' || error.code === 'E_SOURCE_FAILED')
  return {
    name: String(name),
    message: refused === undefined ? String(message) : wordsForRefusal(refused),
    ...(typeof error.stack === 'string' && {stack: error.stack.slice(0, LONGEST_STACK)}),
    ...(known !== undefined && {known}),
    ...(typeof status === 'number' && {status}),
    ...(refused !== undefined && {refused}),
    ...(isAtFault && {
      bug: {
        code: error.code,
        ...(error.next !== undefined && {next: error.next}),
      },
    }),
    ...(inner !== undefined && depth < DEEPEST_CAUSE && {cause: toMessage(inner, depth + 1)}),
  }
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
  if (message.status !== undefined) Object.assign(error, {status: message.status})
  return error
}

function errorOf(
  {name, message, bug, refused}: ErrorMessage,
  masked: (text: string) => string,
  details: ErrorOptions,
): Error {
  const text = masked(message)
  if (bug === undefined) {
    const error =
      refused === undefined ? new Error(text, details) : new RefusedByBox(text, maskedRefusal(refused, masked), details)
    error.name = masked(name)
    return error
  }
  const made = bug.code === 'E_SOURCE_BUG' ? sourceBug(text, details) : failure(text, {code: bug.code, ...details})
  if (bug.next === undefined) return made
  return new LorchestraError(made.outcome, made.message, {code: made.code, next: masked(bug.next), ...details})
}

const maskedRefusal = ({permission, resource}: Refusal, masked: (text: string) => string): Refusal => ({
  permission,
  ...(resource !== undefined && {resource: masked(resource)}),
})

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
  const {name, message, stack, known, status, cause, bug, refused} = value as Readonly<Record<string, unknown>>
  if (known !== undefined && typeof known !== 'number') return false
  if (status !== undefined && typeof status !== 'number') return false
  if (typeof name !== 'string' || typeof message !== 'string') return false
  if (stack !== undefined && typeof stack !== 'string') return false
  if (bug !== undefined && !isBug(bug)) return false
  if (refused !== undefined && !isRefusal(refused)) return false
  return cause === undefined || isErrorMessage(cause)
}

function isBug(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const {code, next} = value as Readonly<Record<string, unknown>>
  return (code === 'E_SOURCE_BUG' || code === 'E_SOURCE_FAILED') && (next === undefined || typeof next === 'string')
}
