import type {ErrorMember} from './error-document.ts'
import {LorchestraError, messageWithCauses, outcomeOf} from './errors.ts'

/** An error as a document holds it. */
export function errorMemberOf(error: unknown, maskSecrets: (text: string) => string): ErrorMember {
  const {code, next} = error instanceof LorchestraError ? error : {}
  return {
    outcome: outcomeOf(error),
    ...(code !== undefined && {code}),
    message: maskSecrets(messageWithCauses(error)),
    ...(next !== undefined && {next: maskSecrets(next)}),
  }
}

/** An error as a person reads it: what is wrong with its code, and what to do. `message` replaces the error's own. */
export function formatError(error: unknown, message = messageWithCauses(error)): readonly string[] {
  const {code, next} = error instanceof LorchestraError ? error : {}
  return [`Error: ${message}${code === undefined ? '' : ` [${code}]`}`, ...(next === undefined ? [] : [`  → ${next}`])]
}
