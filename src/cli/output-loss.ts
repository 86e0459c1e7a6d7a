import {exitAsFailed} from '../base/errors.ts'
import type {ErrorCode} from '../base/error-codes.ts'
import {hasCode} from '../base/system-error.ts'

let firstLoss: Error | undefined
/** A reader may have had enough of help, and may have wanted all of a result. */
let holds: 'help' | 'a result' | 'nothing that is lost' = 'help'

/**
 * Lets no output that is lost (a full disk, a reader that had enough, a terminal that is gone) end what is under way. Where what was
 * asked for is lost with it, the command fails at its end. To be called when oclif is there: it has a listener that throws.
 */
export function outliveLostOutput(): void {
  const {stdout, stderr} = process
  stdout.removeAllListeners('error')
  stdout.on('error', (error) => {
    firstLoss ??= error
  })
  // Nobody is left to be told.
  stderr.on('error', () => undefined)
  process.on('exit', (code) => {
    // A write just before the end has failed, but its event is still to come.
    const loss = firstLoss ?? stdout.errored
    const hadEnough = hasCode(loss, 'EPIPE')
    if (loss === null || holds === 'nothing that is lost' || (hadEnough && holds === 'help')) return
    // A reader that had enough (`| head`) need not be told that it had.
    exitAsFailed(code, hadEnough ? '' : messageOf(loss))
  })
}

/** Says that somebody has asked for what is printed from now on. */
export function stdoutHoldsAResult(): void {
  holds = 'a result'
}

/** Says that what was printed can be read elsewhere: the event log has the counts of a run. */
export function stdoutHoldsNoResult(): void {
  holds = 'nothing that is lost'
}

const messageOf = ({message}: Error): string =>
  `stdout did not take all of the result: ${message} [${'E_OUTPUT_LOST' satisfies ErrorCode}]`
