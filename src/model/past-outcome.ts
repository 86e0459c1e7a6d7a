/** A past run is one of these. `died`: its process is gone without a last word. `unknown`: it runs, or ran, on another machine. */
export const PAST_OUTCOMES = ['done', 'failed', 'running', 'died', 'unknown', 'undone'] as const
export type PastOutcome = (typeof PAST_OUTCOMES)[number]
