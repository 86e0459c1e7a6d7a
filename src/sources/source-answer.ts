import {sourceFailure} from '../base/errors.ts'
import {untilAborted} from '../base/waiting.ts'

/** Asks a source for what it knows without waiting. What it throws gets a code. */
export function sourceAnswer<Answer>(ask: () => Answer): Answer {
  try {
    return ask()
  } catch (error) {
    throw sourceFailure(error)
  }
}

/** Asks a source for what takes a while; the signal ends the wait. What it throws gets a code. */
export async function untilSourceAnswers<Answer>(
  ask: () => PromiseLike<Answer> | Answer,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    return await untilAborted(ask(), signal)
  } catch (error) {
    throw sourceFailure(error)
  }
}
