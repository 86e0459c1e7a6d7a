import type {HttpError} from 'lorchestra'

/** Knows the host's error by its name, because a plugin has none of the host's classes. */
export const isHttpError = (error: unknown): error is HttpError => error instanceof Error && error.name === 'HttpError'
