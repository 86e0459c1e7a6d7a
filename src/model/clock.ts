/** Milliseconds that the clock of a machine may be wrong by: nothing may be lost by so much. */
export const CLOCK_TOLERANCE = 10 * 60 * 1000
