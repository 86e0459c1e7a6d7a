const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Tells whether the host is this machine itself. */
export const isLoopback = (hostname: string): boolean => LOOPBACK.test(hostname)

/** Tells whether nobody on the way can read what is sent there: https, or http to this machine itself. */
export const isSafeAddress = ({protocol, hostname}: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
