import {setTimeout as wait} from 'node:timers/promises'

/** Ends early with the signal's own reason; Node's error says only that something was aborted, not by whom. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(Math.max(0, milliseconds), undefined, signal === undefined ? {} : {signal})
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}
