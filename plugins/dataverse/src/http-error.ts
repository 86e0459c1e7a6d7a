import type {HttpError, JsonObject} from 'lorchestra'

/** Knows the host's error by its name, because a plugin has none of the host's classes. */
export const isHttpError = (error: unknown): error is HttpError => error instanceof Error && error.name === 'HttpError'

/** Finds Dataverse's own words for what is wrong: `error.code`, such as 0x80040220, and `error.message`. */
export function problemOf(body: JsonObject | undefined): {readonly code: string; readonly message: string} {
  const error = body?.['error'] as {readonly code?: unknown; readonly message?: unknown} | null | undefined
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
  return {code: textOf(error?.code), message: textOf(error?.message)}
}

type Answer = Partial<Pick<HttpError, 'status' | 'body' | 'tooLarge'>>

/** An answer of that size was refused, by the host or by the server. */
export const isTooLarge = ({status, tooLarge}: Answer): boolean => tooLarge === true || status === 413

/**
 * Dataverse has no word of its own for an answer beyond its limit: 0x80040216 is any unexpected error, and also what it says
 * while one of its servers takes over from another.
 */
export const isUnexpected = ({body}: Answer): boolean => problemOf(body).code.toLowerCase() === '0x80040216'
