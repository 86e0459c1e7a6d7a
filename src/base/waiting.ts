import {setTimeout as wait} from 'node:timers/promises'

/** Waits, and ends early with the signal's own reason; Node's error says only that something was aborted, not by whom. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(Math.max(0, milliseconds), undefined, signal === undefined ? {} : {signal})
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/** Waits, less long where the signal is aborted, and answers whether it is: for work that is given a last try then. */
export async function pauseUnlessStopped(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(milliseconds, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return signal.aborted
}

/**
 * Waits for a value or the signal. A source that ignores the signal is left behind; one that gives no promise is taken at
 * its word.
 */
export async function untilAborted<Value>(waitedFor: PromiseLike<Value> | Value, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted()
  return new Promise<Value>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, {once: true})
    Promise.resolve(waitedFor)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}

const lastTurns = new Map<string, Promise<void>>()

/** Whoever names the same thing takes turns with it, within this process; `signal` ends the wait. */
export async function inTurn<Result>(
  thing: string,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = lastTurns.get(thing) ?? Promise.resolve()
  const result = (signal === undefined ? before : untilAborted(before, signal)).then(work)
  const turn = Promise.allSettled([before, result]).then(() => {
    if (lastTurns.get(thing) === turn) lastTurns.delete(thing)
  })
  lastTurns.set(thing, turn)
  return result
}
