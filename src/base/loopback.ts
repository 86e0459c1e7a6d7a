const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Whether a URL's host is this machine itself: only there may anything be sent without encryption. */
export const isLoopback = ({hostname}: URL): boolean => LOOPBACK.test(hostname)
