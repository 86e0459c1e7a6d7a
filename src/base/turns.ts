import {untilAborted} from './until-aborted.ts'

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
