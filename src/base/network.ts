import {setDefaultAutoSelectFamilyAttemptTimeout} from 'node:net'

/**
 * Milliseconds that one address of a host may take to answer before the next is tried. Node's 250 are fewer than a handshake
 * over a slow line takes, and then no address ever answers in time.
 */
const ATTEMPT_TIME = 2500

/** Makes all connections of the process patient. */
export function connectPatiently(): void {
  setDefaultAutoSelectFamilyAttemptTimeout(ATTEMPT_TIME)
}
