/** Tells whether the operating system refused with one of these codes (`ENOENT`: missing, `EACCES`: forbidden, …). */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
