import {exitAsFailed, exitNow, failure, stopped, type StopSignal} from '../base/errors.ts'

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** Signals within it are one press: a wrapper, `npm` say, sends the terminal's once more. */
const ONE_PRESS_MILLISECONDS = 1000

const REPORT = 'This is a bug in lorchestra; please report it.'
const ownBug = (message: string, cause?: unknown): Error =>
  failure(message, {code: 'E_UNEXPECTED', next: REPORT, cause})

export interface StopListener {
  /** Aborted by the first signal, with an error that carries its exit code, and by what would end the process. */
  readonly signal: AbortSignal
  close(): void
}

/**
 * The first signal asks the run to stop cleanly, one that comes a second later or more ends the process at once. `next` is
 * what to do after a stop, where it is not a run.
 */
export function listenForSignals(runningJobs: () => string, next?: string): StopListener {
  const controller = new AbortController()
  let stoppedAt: number | undefined
  const stopListening: (() => void)[] = []
  for (const name of SIGNALS) {
    const onSignal = (): void => {
      const now = performance.now()
      const isSamePress = stoppedAt !== undefined && now - stoppedAt < ONE_PRESS_MILLISECONDS
      if (controller.signal.aborted && !isSamePress) exitNow(name)
      stoppedAt ??= now
      controller.abort(stopped(name, next))
    }
    process.on(name, onSignal)
    stopListening.push(() => process.off(name, onSignal))
  }
  // What is left unhandled must end the run with a reason, not the process without one.
  const onUncaught = (error: Error): void => {
    controller.abort(ownBug(`something failed behind the back of the run: ${error.message}`, error))
  }
  const onNothingLeftToDo = (): void => {
    controller.abort(ownBug('the run waits for something that can no longer happen'))
  }
  const onExit = (code: number): void => {
    exitAsFailed(code, `${runningJobs()}: something ended the process. ${REPORT}`)
  }
  process.on('uncaughtException', onUncaught).on('beforeExit', onNothingLeftToDo).on('exit', onExit)
  stopListening.push(() => {
    process.off('uncaughtException', onUncaught).off('beforeExit', onNothingLeftToDo).off('exit', onExit)
  })
  return {
    signal: controller.signal,
    close() {
      for (const stop of stopListening) stop()
    },
  }
}
