import {valuesAt} from '../config/option-paths.ts'
import {HOST_KEYS} from '../config/settings.ts'
import type {ConformanceSetup} from './setup.ts'
import {secretsOf, SMALL, withTrial, type Trial} from './trial.ts'

const UNKNOWN = 'conformance_no_such_option'

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | {readonly key: PropertyKey})[] | undefined
  readonly keys?: readonly string[]
}

export const checkOptions = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const {input} = trial
    assertNames(trial)
    for (const nothing of [null, 'text', 7, []]) {
      if ((await issuesOf(trial, nothing)).length === 0) {
        throw new Error(`it accepts ${JSON.stringify(nothing)} instead of options`)
      }
    }
    await assertRefused(trial, {...input, [UNKNOWN]: 'x'}, UNKNOWN, 'an option that it does not have')
    for (const [name, value] of Object.entries(input)) {
      const {[name]: _removed, ...rest} = input
      const missing = await issuesOf(trial, rest)
      if (missing.length > 0) assertClear(trial, missing, name, 'is missing')
      for (const wrong of [{[name]: value}, [[value]], null]) {
        await assertRefused(trial, {...input, [name]: wrong}, name, `${formatValue(wrong)} for ${name}`)
      }
    }
  })

function assertNames({setup: {source}, input}: Trial): void {
  const known = Object.keys(input)
  const taken = known.find((name) => HOST_KEYS.includes(name))
  if (taken !== undefined) throw new Error(`its option ${taken} is one that lorchestra reads itself`)
  // Of those within one option, which may be of several kinds, one is enough.
  const tested = new Set(source.secrets?.flatMap((path) => (valuesAt(input, path).length > 0 ? [optionOf(path)] : [])))
  const secret = source.secrets?.find((path) => !tested.has(optionOf(path)))
  if (secret !== undefined) {
    throw new Error(`its secrets name ${secret}, which the test service's options do not have: misspelt, or not tested`)
  }
}

const optionOf = (path: string): string => path.split('.')[0] ?? path

async function assertRefused(trial: Trial, input: unknown, name: string, what: string): Promise<void> {
  const issues = await issuesOf(trial, input)
  if (issues.length === 0) throw new Error(`it accepts ${what}`)
  assertClear(trial, issues, name, `is ${what}`)
}

function assertClear(trial: Trial, issues: readonly Issue[], name: string, what: string): void {
  const naming = issues.find((issue) => textOf(issue).includes(name))
  if (naming === undefined) {
    throw new Error(`where ${name} ${what}, its message does not name it: ${issues.map(textOf).join('; ')}`)
  }
  if (naming.message.trim().length < 5) throw new Error(`where ${name} ${what}, its message says too little`)
  const secret = secretsOf(trial).find((value) => issues.some((issue) => textOf(issue).includes(value)))
  if (secret !== undefined) throw new Error(`where ${name} ${what}, its message quotes a secret`)
}

async function issuesOf({setup: {source}}: Trial, input: unknown): Promise<readonly Issue[]> {
  try {
    return (await source.options['~standard'].validate(input)).issues ?? []
  } catch (error) {
    throw new Error('its options throw where they should answer with issues', {cause: error})
  }
}

const textOf = ({path = [], keys = [], message}: Issue): string =>
  [...path.map((part) => String(typeof part === 'object' ? part.key : part)), ...keys, message].join(' ')

const formatValue = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list of lists' : 'an object'
