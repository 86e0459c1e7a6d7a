import type {HttpError, JsonObject} from 'lorchestra'

/** Knows the host's error by its name, because a plugin has none of the host's classes. */
export const isHttpError = (error: unknown): error is HttpError => error instanceof Error && error.name === 'HttpError'

/** Finds Google's word for what is wrong: `error.errors[0].reason`. */
export function reasonOf(body: JsonObject | undefined): string | undefined {
  const error = body?.['error'] as {errors?: readonly {reason?: string}[]} | null | undefined
  return error?.errors?.[0]?.reason
}
