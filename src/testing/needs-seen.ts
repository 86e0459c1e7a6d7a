import {pathToFileURL} from 'node:url'

import {BOX_WATCHER} from '../base/own-files.ts'
import {isRefusal, RefusedByBox, wordsForRefusal} from '../sources/box/refusal.ts'
import {adviceFor} from './box-advice.ts'

const PRINTED = 'lorchestra-conformance '

/** Learns what a source needs and does not get in its box, where no error says so: variables of this process, and what it took for an answer. */
export class NeedsSeen {
  readonly environment = {NODE_OPTIONS: `--import=${pathToFileURL(BOX_WATCHER).href}`}
  readonly #variables = new Set<string>()
  readonly #refusals = new Map<string, RefusedByBox>()

  readonly printed = (line: string): void => {
    if (!line.startsWith(PRINTED)) return
    const {variable, refusal} = JSON.parse(line.slice(PRINTED.length)) as {variable?: string; refusal?: unknown}
    if (variable !== undefined && process.env[variable] !== undefined) this.#variables.add(variable)
    if (!isRefusal(refusal)) return
    const words = wordsForRefusal(refusal)
    this.#refusals.set(words, new RefusedByBox(words, refusal))
  }

  advice(): readonly string[] {
    const [first] = this.#variables
    const refused = [...this.#refusals.values()].map((error) => `${error.message}; ${adviceFor(error) ?? ''}`)
    if (first === undefined) return refused
    const variables = `it asked for ${[...this.#variables].join(', ')} of the environment, and a box has none of your variables: take an option for it, which lorchestra.yaml may fill with \${${first}}, and name it in \`secrets\` where nobody may see it`
    return [...refused, variables]
  }
}
