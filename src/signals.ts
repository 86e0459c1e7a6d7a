import {exitNow, stopped, type StopSignal} from './errors.ts'

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM']

export interface StopListener {
  /** Aborted by the first signal, with an error that carries its exit code. */
  readonly signal: AbortSignal
  close(): void
}

/** The first signal asks the run to stop cleanly, the second ends the process at once. */
export function listenForSignals(): StopListener {
  const controller = new AbortController()
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => {
      if (controller.signal.aborted) exitNow(name)
      controller.abort(stopped(name))
    }
    process.on(name, listener)
    return {name, listener}
  })
  return {
    signal: controller.signal,
    close() {
      for (const {name, listener} of listeners) process.off(name, listener)
    },
  }
}
