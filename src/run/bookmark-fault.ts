import {LorchestraError} from '../base/errors.ts'

/** These statuses speak of who asks, or how often, and not of what was asked for. */
const OF_WHO_ASKS = [401, 403, 407, 408, 425, 429]

/**
 * Tells whether the bookmark that a source was given may be what made it throw this. What a network, a quota or a credential
 * did, and what the host itself answered, must not cost a good bookmark: deletions since then would stay unknown.
 */
export function mayBeOfBookmark(error: unknown): boolean {
  if (error instanceof LorchestraError && error.code !== 'E_SOURCE_FAILED') return false
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name !== 'HttpError') continue
    const {status = 0} = cause as {readonly status?: number}
    return status >= 400 && status < 500 && !OF_WHO_ASKS.includes(status)
  }
  return true
}
