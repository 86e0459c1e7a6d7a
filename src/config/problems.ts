import type {ErrorCode} from '../base/error-codes.ts'
import {usageError, type LorchestraError} from '../base/errors.ts'
import {inPlainWords} from './schema-words.ts'

/** A problem is one thing that is wrong with lorchestra.yaml. */
export interface Problem {
  /** The place, `file:line:column`, or what else the user has to change. */
  readonly position: string
  readonly message: string
  /** The way to mend it. @default correct it and try again */
  readonly advice?: string
  /** The condition, for scripts, where it is not simply that the file is wrong. */
  readonly code?: ErrorCode
}

const DEFAULT_ADVICE = 'Correct it and run the command again; nothing was contacted.'

const byLine = new Intl.Collator('en', {numeric: true})

/** One problem reads like any other error; several are listed, one line each. */
export function problemsError(subject: string, problems: readonly Problem[]): LorchestraError {
  const [first, ...others] = problems.toSorted((one, other) => byLine.compare(one.position, other.position))
  const codes = new Set(problems.map(({code}) => code))
  const code = (codes.size === 1 ? first?.code : undefined) ?? 'E_CONFIG_INVALID'
  if (first !== undefined && others.length === 0) {
    return usageError(`${first.position}: ${first.message}`, {code, next: first.advice ?? DEFAULT_ADVICE})
  }
  const lines = [first, ...others]
    .filter((problem) => problem !== undefined)
    .map(({position, message, advice}) =>
      [`${position}: ${message}`, ...(advice === undefined ? [] : [advice])].join('. '),
    )
  return usageError(`${subject} has ${problems.length} problems`, {code, next: lines.join('\n    ')})
}

/** An issue is what schema validators report; zod's own details are used where they are there. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: ReadonlyArray<PropertyKey | {readonly key: PropertyKey}> | undefined
  readonly code?: string
  readonly keys?: readonly string[]
  readonly issues?: readonly SchemaIssue[]
}

export const pathOf = (issue: SchemaIssue): readonly PropertyKey[] =>
  (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment))

const namePath = (path: readonly PropertyKey[]): string => path.map(String).join('.')

/** Says it as in `jobs.mail.account is missing` or `warehouse.path: expected text, not a number`. */
export function formatIssue(issue: SchemaIssue, input: unknown): string {
  const path = pathOf(issue)
  const name = namePath(path)
  if (path.length > 0 && valueAt(input, path) === undefined) return `${name} is missing`
  const message = inPlainWords(
    issue.code === 'invalid_key' ? (issue.issues?.[0]?.message ?? issue.message) : issue.message,
  )
  return name === '' ? message : `${name}: ${message}`
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = (current as Record<PropertyKey, unknown>)[key]
  }
  return current
}
