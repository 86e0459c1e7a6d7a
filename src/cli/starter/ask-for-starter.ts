import input from '@inquirer/input'
import select from '@inquirer/select'

import {stopped} from '../../base/errors.ts'
import {NAME, NAME_ADVICE} from '../../model/name.ts'
import type {ListedSource} from '../../sources/found-sources.ts'
import type {WarehouseKinds} from '../../warehouse/kinds.ts'
import {STARTER} from './starter-files.ts'

export interface StarterAnswers {
  readonly source: string
  readonly account: string
  /** The word for a kind of warehouse. */
  readonly warehouse: string
}

/** Asks a person at a terminal for what the flags left open. */
export async function askForStarter(
  given: Partial<StarterAnswers>,
  sources: readonly ListedSource[],
  kinds: WarehouseKinds,
): Promise<StarterAnswers> {
  try {
    return {
      source:
        given.source ??
        (await select({
          message: 'What should be read?',
          choices: sources.map(({descriptor: {name, summary}}) => ({value: name, name: `${name}: ${summary}`})),
          default: STARTER.source,
        })),
      account:
        given.account ??
        (await input({
          message: 'A name for the account whose data it is',
          default: STARTER.account,
          validate: (name) => NAME.test(name) || NAME_ADVICE,
        })),
      warehouse:
        given.warehouse ??
        (await select({
          message: 'Where should it go?',
          choices: kinds.map(({type, name, summary}) => ({value: type, name: `${name}: ${summary}`})),
          default: kinds[0].type,
        })),
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError')
      throw stopped('SIGINT', 'Nothing was written. Flags answer without being asked: lorchestra init --help.')
    throw error
  }
}
