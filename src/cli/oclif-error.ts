import {isErrorCode, type ErrorCode} from '../base/error-codes.ts'
import {LorchestraError, usageError} from '../base/errors.ts'
import {Errors} from '../base/oclif.ts'

/** Puts an error of oclif's own into the words of lorchestra; other errors stay what they are. oclif prints the code, too. */
export function fromOclif(error: Error): Error {
  if (!isFromOclif(error)) return error
  const refused = refusedValue(error)
  if (refused !== undefined) {
    return usageError(refused, {code: 'E_USAGE_FLAGS', next: '--help tells what each flag takes.', cause: error.cause})
  }
  if (error.message.includes('cannot also be provided when using')) {
    error.message += '\nThese flags are mutually exclusive: leave one of them out'
  }
  if ('parse' in error) error.code ??= 'E_USAGE_FLAGS' satisfies ErrorCode
  if (/^Command .* not found\.$/.test(error.message)) error.code ??= 'E_COMMAND_UNKNOWN' satisfies ErrorCode
  const [suggestion] = error.suggestions ?? []
  return new LorchestraError('usage', error.message, {
    code: isErrorCode(error.code) ? error.code : 'E_UNEXPECTED',
    ...(suggestion !== undefined && {next: `Try this: ${suggestion}`}),
    cause: error.cause,
  })
}

/** Gives what is wrong with the value of a flag, without the command's usage, which says little of it. */
export function refusedValue({message}: Error): string | undefined {
  const [, flag, reason = ''] = /^Parsing (--[\w-]+) \n\t(.+)\nSee more help/s.exec(message) ?? []
  if (flag !== undefined) return `${flag}: ${reason.replace(/^Expected/, 'expected')}`
  return /^(Expected --[\w-]+=.*)\nSee more help/s.exec(message)?.[1]
}

/** Plugins bring copies of oclif; what a copy could not parse is told by its shape. */
const isFromOclif = (error: Error): error is Errors.CLIError =>
  error instanceof Errors.CLIError || ('oclif' in error && 'parse' in error)
