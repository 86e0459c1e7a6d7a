/** A source that ignores the signal is left behind; one that gives no promise is taken at its word. */
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
