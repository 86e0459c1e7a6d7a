import {closeMatch} from '../base/close-match.ts'
import {isErrorCode, type ErrorCode} from '../base/error-codes.ts'
import {LorchestraError, usageError} from '../base/errors.ts'
import {Errors} from '../base/oclif.ts'

/** Puts an error of oclif's own into the words of lorchestra; other errors stay what they are. */
export function fromOclif(error: Error): Error {
  if (!isFromOclif(error)) return error
  const refused = refusedValue(error)
  if (refused !== undefined) {
    return usageError(refused, {code: 'E_USAGE_FLAGS', next: '--help tells what each flag takes.', cause: error.cause})
  }
  if ('parse' in error) return unparsed(error)
  if (/^Command .* not found\.$/.test(error.message)) error.code ??= 'E_COMMAND_UNKNOWN' satisfies ErrorCode
  const [suggestion] = error.suggestions ?? []
  return new LorchestraError('usage', error.message, {
    code: isErrorCode(error.code) ? error.code : 'E_UNEXPECTED',
    ...(suggestion !== undefined && {next: `Try this: ${suggestion}`}),
    cause: error.cause,
  })
}

/** Says what of the line was not understood. oclif would print the whole help page below, and so move it off the screen. */
function unparsed(error: Errors.CLIError): LorchestraError {
  const code = isErrorCode(error.code) ? error.code : 'E_USAGE_FLAGS'
  const [, clash] = /(--\S+ cannot also be provided when using --\S+)/.exec(error.message) ?? []
  if (clash !== undefined) {
    const message = `${clash}: the two are mutually exclusive`
    return usageError(message, {code, next: 'Leave one of them out.', cause: error.cause})
  }
  const message = error.message.replace(/\nSee more help with --help$/, '').replaceAll(/\n(\S+) {2,}/g, ' $1: ')
  const {flags = [], parse} = error as Unparsed
  const [unknown] = flags
  const meant = typeof unknown === 'string' ? flagMeantBy(unknown, parse) : undefined
  const next = meant === undefined ? '--help tells what the command takes.' : `Did you mean ${meant}?`
  return usageError(message, {code, next, cause: error.cause})
}

interface Unparsed {
  /** Words that look like flags and are none. */
  readonly flags?: readonly unknown[]
  readonly parse?: {readonly input?: {readonly flags?: Readonly<Record<string, unknown>>}}
}

function flagMeantBy(word: string, parse: Unparsed['parse']): string | undefined {
  const flags = Object.keys(parse?.input?.flags ?? {}).map((name) => `--${name}`)
  return flags.find((flag) => flag.startsWith(word)) ?? closeMatch(word, flags)
}

/** Gives what is wrong with the value of a flag, without the command's usage, which says little of it. */
function refusedValue({message}: Error): string | undefined {
  const [, flag, reason = ''] = /^Parsing (--[\w-]+) \n\t(.+)\nSee more help/s.exec(message) ?? []
  if (flag !== undefined) return `${flag}: ${reason.replace(/^Expected/, 'expected')}`
  return /^(Expected --[\w-]+=.*)\nSee more help/s.exec(message)?.[1]
}

/** Plugins bring copies of oclif; what a copy could not parse is told by its shape. */
const isFromOclif = (error: Error): error is Errors.CLIError =>
  error instanceof Errors.CLIError || ('oclif' in error && 'parse' in error)
