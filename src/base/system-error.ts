/** Tells whether the operating system refused with one of these codes (`ENOENT`: missing, `EACCES`: forbidden, …). */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)

/** Tells whether the file system has no such operation. Some of them say so by EPERM. */
export const isUnsupported = (error: unknown): boolean =>
  hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EPERM', 'EMLINK', 'EISDIR')
