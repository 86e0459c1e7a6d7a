/** A source that ignores the signal is left behind. */
export async function untilAborted<Value>(waitedFor: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted()
  return new Promise<Value>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, {once: true})
    waitedFor.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
