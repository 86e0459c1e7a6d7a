import type {ErrorMember} from './error-document.ts'
import {LorchestraError, messageWithCauses, outcomeOf} from './errors.ts'

/** Gives an error as a document holds it. */
export function errorMemberOf(error: unknown, maskSecrets: (text: string) => string): ErrorMember {
  const {code, next} = error instanceof LorchestraError ? error : {}
  return {
    outcome: outcomeOf(error),
    ...(code !== undefined && {code}),
    message: maskSecrets(messageWithCauses(error)),
    ...(next !== undefined && {next: maskSecrets(next)}),
  }
}

/** Formats an error as a person reads it: what is wrong, its code, what to do. `message` replaces the error's own. */
export function formatError(error: unknown, message = messageWithCauses(error)): readonly string[] {
  const {code, next} = error instanceof LorchestraError ? error : {}
  return [`Error: ${message}${code === undefined ? '' : ` [${code}]`}`, ...(next === undefined ? [] : [`  → ${next}`])]
}
