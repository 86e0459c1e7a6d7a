import type {ErrorMember} from './error-document.ts'
import {unpainted, type Paint} from './screen.ts'
import {codeOf, LorchestraError, messageWithCauses, outcomeOf} from './errors.ts'

/** Gives an error as a document holds it. */
export function errorMemberOf(error: unknown, maskSecrets: (text: string) => string): ErrorMember {
  const next = error instanceof LorchestraError ? error.next : undefined
  return {
    outcome: outcomeOf(error),
    code: codeOf(error),
    message: maskSecrets(messageWithCauses(error)),
    ...(next !== undefined && {next: maskSecrets(next)}),
  }
}

interface ErrorText {
  /** Replaces the error's own. */
  readonly message?: string
  /** @default without colours */
  readonly paint?: Paint
}

/** Formats an error as a person reads it: what is wrong, its code, what to do. */
export function formatError(
  error: unknown,
  {message = messageWithCauses(error), paint = unpainted}: ErrorText = {},
): readonly string[] {
  return [`${paint('bad', 'Error:')} ${message} ${paint('quiet', `[${codeOf(error)}]`)}`, ...formatNext(error)]
}

/** Formats what to do about an error, where that is known. */
export const formatNext = (error: unknown): readonly string[] =>
  error instanceof LorchestraError && error.next !== undefined ? [`  → ${error.next}`] : []

/** Gives where an error was made and where its causes were, outermost first, for whoever looks for a bug. */
export function stacksOf(error: unknown): string {
  const stacks: string[] = []
  for (let current = error; current instanceof Error && stacks.length < 8; current = current.cause) {
    stacks.push(current.stack ?? String(current))
  }
  return stacks.join('\ncaused by ')
}
