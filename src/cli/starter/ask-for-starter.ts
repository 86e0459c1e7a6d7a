import input from '@inquirer/input'
import select from '@inquirer/select'

import {stopped} from '../../base/errors.ts'
import {NAME, NAME_RULE} from '../../model/name.ts'
import type {ListedSource} from '../../sources/source-plugins.ts'
import {STARTER, type Starter} from './starter-files.ts'

export interface StarterAnswers {
  readonly source: string
  readonly account: string
  readonly warehouse: Starter['warehouse']
}

/** Asks a person at a terminal for what the flags left open. */
export async function askForStarter(
  given: Partial<StarterAnswers>,
  sources: readonly ListedSource[],
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
          validate: (name) => NAME.test(name) || NAME_RULE,
        })),
      warehouse:
        given.warehouse ??
        (await select<Starter['warehouse']>({
          message: 'Where should it go?',
          choices: [
            {value: 'duckdb', name: 'DuckDB: a file beside lorchestra.yaml'},
            {value: 'bigquery', name: 'BigQuery: a dataset of yours'},
          ],
          default: STARTER.warehouse,
        })),
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError')
      throw stopped('SIGINT', 'Nothing was written. Flags answer without being asked: lorchestra init --help.')
    throw error
  }
}
