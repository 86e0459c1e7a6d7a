import {getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamilyAttemptTimeout} from 'node:net'

/**
 * Milliseconds that one address of a host may take to answer before the next is tried. Node's 250 are fewer than a handshake
 * over a slow line takes, and then no address ever answers in time.
 */
const ATTEMPT_TIME = 2500

/** Makes all connections of the process patient. Who gives Node's option for it more time keeps that. */
export function connectPatiently(): void {
  if (getDefaultAutoSelectFamilyAttemptTimeout() < ATTEMPT_TIME) setDefaultAutoSelectFamilyAttemptTimeout(ATTEMPT_TIME)
}

/** Gives another process of Node as much time for a connection as this one has. */
export const connectionTimeOption = (): string =>
  `--network-family-autoselection-attempt-timeout=${getDefaultAutoSelectFamilyAttemptTimeout()}`
