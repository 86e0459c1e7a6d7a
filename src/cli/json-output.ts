import {errorMemberOf} from '../base/error-output.ts'
import {fromOclif} from './oclif-error.ts'

/** Tells whether the command line wants one JSON document on stdout, by oclif's rules. */
export function asksForJson(words: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  if (environment['LORCHESTRA_CONTENT_TYPE']?.toLowerCase() === 'json') return true
  const end = words.indexOf('--')
  return (end === -1 ? words : words.slice(0, end)).includes('--json')
}

/** Gives oclif the one way to ask for help that may be a document, the flag, and no `--json` where it looks for a command. */
export function withHelpAsked([...words]: readonly string[], environment: NodeJS.ProcessEnv): string[] {
  if (words[0] === '--json' && words.length > 1) words.push(...words.splice(0, 1))
  const asksForHelp = words[0] === 'help' || words.join() === '--json'
  return asksForHelp && asksForJson(words, environment) ? ['--help', ...words] : words
}

export const formatDocument = (document: unknown): string => `${JSON.stringify(document, null, 2)}\n`

/** Formats the document of an error that no command of lorchestra has met: an unknown command, say. */
export const formatErrorDocument = (error: Error): string =>
  formatDocument({schema: 1, error: errorMemberOf(fromOclif(error), (text) => text)})
