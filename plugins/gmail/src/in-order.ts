/**
 * Yields results in the order of the items, with at most `concurrency` of them begun and not yet taken. The first error aborts the
 * signal, so that those in flight give up; they are waited for, and nothing goes on behind the caller's back.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  concurrency: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result, void> {
  const stop = new AbortController()
  const begun: Promise<Result>[] = []
  const failures: unknown[] = []
  const begin = (item: Item): void => {
    const result = work(item, stop.signal)
    result.catch((error: unknown) => {
      failures.push(error)
      stop.abort()
    })
    begun.push(result)
  }
  try {
    for await (const item of items) {
      if (stop.signal.aborted) break
      begin(item)
      if (begun.length >= concurrency) yield (await begun.shift()) as Result
    }
    while (begun.length > 0) yield (await begun.shift()) as Result
  } catch (error) {
    // The first one says what went wrong; those after it were only told to give up.
    throw failures.length > 0 ? failures[0] : error
  } finally {
    stop.abort()
    await Promise.allSettled(begun)
  }
}
