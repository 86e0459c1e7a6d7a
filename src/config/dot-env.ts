import {join} from 'node:path'

import {parse} from 'dotenv'

import {LorchestraError, messageWithCauses, usageError} from '../base/errors.ts'
import {hasCode} from '../base/system-error.ts'
import {problemsError} from './problems.ts'
import {readTextFile} from './text-file.ts'
import type {Environment} from './variables.ts'

/** dotenv begins a comment at each `#` outside of quotes; shells, and most who write a file, at one after a space. */
const HASH_IN_WORD = /(?<=[^\s=])#|(?<==)#(?=\S)/g
/** No character: Unicode keeps it for what a program needs inside. */
const STAND_IN = '\uFDD0'

const QUOTED = /^\s*(?:export\s+)?([\w.-]+)\s*[=:]\s*(["'`]|\p{Pi}|\p{Pf}|[„‚])/u
const STRAIGHT = `"'\``

/** Adds to the environment what `.env` says; the environment wins. Throws a usage error where that cannot be read. */
export async function withDotEnv(folder: string, environment: Environment): Promise<Environment> {
  const path = join(folder, '.env')
  const set = Object.entries(environment).filter(([, value]) => value !== undefined)
  return {...parseDotEnv(await readIfThere(path), path), ...Object.fromEntries(set)}
}

/** Reads variables. Throws a usage error for quotes that would become part of a value. */
export function parseDotEnv(text: string, path: string): Readonly<Record<string, string>> {
  const parsed = Object.entries(parse(text.replaceAll(HASH_IN_WORD, STAND_IN)))
  const variables = Object.fromEntries(parsed.map(([name, value]) => [name, value.replaceAll(STAND_IN, '#')]))
  const problems = text.split('\n').flatMap((line, index) => {
    const [, name = '', quote = ''] = QUOTED.exec(line) ?? []
    if (quote === '' || variables[name]?.startsWith(quote) !== true) return []
    // The value is a secret, as a rule, so it is not shown.
    const straight = STRAIGHT.includes(quote)
    return {
      position: `${path}:${index + 1}:1`,
      message: straight
        ? `the value of ${name} begins with ${quote} and does not end with it`
        : `the value of ${name} stands in quotes of printed text (${quote}), which would be part of it`,
      advice: straight
        ? 'End it with the same quote, with a space before a # that follows; or put all of it into other quotes.'
        : `Write straight ones: ${name}="…".`,
    }
  })
  if (problems.length > 0) throw problemsError(path, problems)
  return variables
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readTextFile(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    if (error instanceof LorchestraError) throw error
    throw usageError(`${path} cannot be read: ${messageWithCauses(error)}`, {
      code: 'E_CONFIG_INVALID',
      next: 'Make it readable, or move it away.',
      cause: error,
    })
  }
}
