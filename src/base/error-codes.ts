/**
 * Each code stands for a condition that a script may want to tell from others. It never changes its meaning, and
 * docs/errors.md has a section on it.
 */
export const ERROR_CODES = [
  'E_ACCOUNT_UNKNOWN',
  'E_COMMAND_UNKNOWN',
  'E_CONFIG_INVALID',
  'E_CONFIG_NOT_FOUND',
  'E_FILE_EXISTS',
  'E_FILE_NOT_WRITTEN',
  'E_JOB_UNKNOWN',
  'E_MODE',
  'E_NAME_INVALID',
  'E_NAME_TAKEN',
  'E_PLUGIN_BROKEN',
  'E_PLUGIN_UNKNOWN',
  'E_RUN_UNKNOWN',
  'E_SOURCE_BUG',
  'E_STOPPED',
  'E_TERMINAL_NEEDED',
  'E_USAGE_FLAGS',
  'E_VARIABLE_MISSING',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export const isErrorCode = (code: string | undefined): code is ErrorCode =>
  (ERROR_CODES as readonly (string | undefined)[]).includes(code)
