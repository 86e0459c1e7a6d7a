const last = new Map<string, Promise<void>>()

/** Has what this process does at one place done one after the other, in the order in which it was asked for. */
export async function inTurn<Result>(place: string, work: () => Promise<Result>): Promise<Result> {
  const turn = (last.get(place) ?? Promise.resolve()).then(work)
  // Who asked for it hears how it went, and who comes next only that it ended.
  const ended = turn.then(
    () => undefined,
    () => undefined,
  )
  last.set(place, ended)
  try {
    return await turn
  } finally {
    if (last.get(place) === ended) last.delete(place)
  }
}
