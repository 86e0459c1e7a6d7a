import type {Hook} from '@oclif/core'

import {closeMatch} from '../../base/close-match.ts'
import type {ErrorCode} from '../../base/error-codes.ts'
import {Errors} from '../../base/oclif.ts'

/** Suggests the closest command: oclif itself says no more than that there is no such command. */
const suggestCommand: Hook.CommandNotFound = async ({id, config}) => {
  const known = config.commands.filter(({hidden}) => !hidden).map((command) => command.id.replaceAll(':', ' '))
  const [first = '', second] = id.split(':')
  const meant =
    (second === undefined ? undefined : closeMatch(`${first} ${second}`, known)) ??
    closeMatch(first, known) ??
    commandOfVerb(first, known)
  const typed =
    second !== undefined && known.some((name) => name.startsWith(`${first} `)) ? `${first} ${second}` : first
  const suggestions = [`${config.bin} ${meant ?? '--help'}`]
  const code: ErrorCode = 'E_COMMAND_UNKNOWN'
  await Promise.reject(new Errors.CLIError(`there is no command ${typed}`, {code, suggestions}))
}

/** Finds the one command that ends in this word: `login` is `accounts login`. */
function commandOfVerb(word: string, known: readonly string[]): string | undefined {
  const [found, ...others] = known.filter((name) => name.split(' ').at(-1) === word)
  return others.length === 0 ? found : undefined
}

export default suggestCommand
