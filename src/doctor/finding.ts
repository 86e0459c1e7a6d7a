import {LorchestraError, messageWithCauses} from '../base/errors.ts'

export interface Finding {
  readonly check: string
  readonly subject: string
  readonly status: 'ok' | 'warning' | 'failed'
  readonly found: string
  /** The next step of the user, in one line. */
  readonly next?: string
}

/** A check answers with this; a text alone means that all is well. */
export type Answer = string | Pick<Finding, 'status' | 'found' | 'next'>

/** Runs one check; what it throws is its finding. */
export async function check(name: string, subject: string, look: () => Promise<Answer> | Answer): Promise<Finding> {
  try {
    const answer = await look()
    const found = typeof answer === 'string' ? {status: 'ok' as const, found: answer} : answer
    return {check: name, subject, ...found}
  } catch (error) {
    return failed(name, subject, error)
  }
}

/** Gives the findings of a check; what it throws is one of them, and stops no other check. */
export async function* unlessItFails(
  name: string,
  subject: string,
  findings: AsyncGenerator<Finding>,
): AsyncGenerator<Finding> {
  try {
    yield* findings
  } catch (error) {
    yield failed(name, subject, error)
  }
}

export function failed(name: string, subject: string, error: unknown): Finding {
  const next = error instanceof LorchestraError ? error.next : undefined
  return {check: name, subject, status: 'failed', found: messageWithCauses(error), ...(next !== undefined && {next})}
}
