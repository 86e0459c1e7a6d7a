import {homedir, userInfo} from 'node:os'

/** It can be made by nobody but root: what needs a place says so, instead of taking one that others share. */
const NOWHERE = '/nonexistent'

/**
 * Fills in what the machine does not know of its user, as in a container that runs under any number: oclif asks for home and shell
 * when it is loaded, and would end the program.
 */
export function settleMissingUser(environment) {
  if ((environment.HOME ?? '') === '' && answerOf(homedir) === undefined) environment.HOME = NOWHERE
  if (environment.SHELL === undefined && answerOf(userInfo) === undefined) environment.SHELL = 'unknown'
}

function answerOf(ask) {
  try {
    const answer = ask()
    return answer === '' ? undefined : answer
  } catch {
    return undefined
  }
}
