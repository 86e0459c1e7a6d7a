import type {HostedSource} from '../../sources/box/hosted-source.ts'
import {variableOf, variablesIn} from '../../config/variables.ts'
import {warehouseLines, warehouseVariables, type WarehouseChoice} from './warehouse-lines.ts'

interface StarterJob {
  readonly source: HostedSource
  readonly account: string
}

export interface Starter extends StarterJob, WarehouseChoice {
  /** The address where editors find the JSON Schema of the file. */
  readonly schema: string
}

/** These values are taken where nobody says otherwise. */
export const STARTER = {source: 'gmail', account: 'acct1'} as const
export const STARTER_FILE_NAMES = ['lorchestra.yaml', '.env.example'] as const

export const starterJobName = ({source, account}: {source: string; account: string}): string =>
  `${source}_ingest_${account}`

/** Makes what `lorchestra init` writes, by file name. */
export async function starterFiles(starter: Starter): Promise<Readonly<Record<string, string>>> {
  const options = await optionsOf(starter)
  return {'lorchestra.yaml': await configurationOf(starter, options), '.env.example': environmentOf(starter, options)}
}

interface StarterOption {
  readonly name: string
  readonly variable: string
  readonly place: 'account' | 'job'
  readonly required: boolean
}

/** Finds what the source misses where it is given nothing, and the secrets that it takes besides. */
async function optionsOf({source, account}: Starter): Promise<readonly StarterOption[]> {
  const {starter} = source
  if (starter !== undefined)
    return variablesIn(starter.account + starter.job).map((name) => ({
      name,
      variable: variableOf(source.name, account, name),
      place: 'account',
      required: true,
    }))
  const {issues = []} = await source.options['~standard'].validate({})
  const missed = issues.map(({path: [first] = []}) => String(typeof first === 'object' ? first.key : first))
  const secrets = source.secrets?.filter((name) => !name.includes('.')) ?? []
  const names = new Set([...missed.filter((name) => name !== 'undefined'), ...secrets])
  return [...names].map((name) => ({
    name,
    variable: variableOf(source.name, account, name),
    place: source.selection?.includes(name) === true ? 'job' : 'account',
    required: missed.includes(name),
  }))
}

/** Gives the source's own lines, with variables of the account's. */
const linesOf = ({source, account}: Starter, place: StarterOption['place']): readonly string[] | undefined =>
  source.starter?.[place]
    .trimEnd()
    .split('\n')
    .map((line) =>
      line.replaceAll(/\$\{(\w+)\}/g, (_match, name: string) => `\${${variableOf(source.name, account, name)}}`),
    )

/** Gives the command that tries the job and writes nothing: of the last days, unless its source cannot tell them from others. */
export async function starterTrial({source, account}: StarterJob): Promise<string> {
  const command = `lorchestra run ${starterJobName({source: source.name, account})} --dry-run`
  const {parse} = await import('yaml')
  const {account: shared = '', job = ''} = source.starter ?? {}
  const options = await source.options['~standard'].validate(parse(`${shared}\n${job}`))
  const streams = options.issues === undefined ? source.streams(options.value) : []
  return streams.every(({windowed}) => windowed) ? `${command} --since -7d` : command
}

async function configurationOf(starter: Starter, options: readonly StarterOption[]): Promise<string> {
  const {source, account, schema} = starter
  // Only when it is needed: help is to come at once.
  const {settingLines} = await import('./setting-lines.ts')
  const job = starterJobName({source: source.name, account})
  const linesFor = (place: StarterOption['place']): string => {
    const {set, commented} = settingLines(place, {source: source.name, account}, source.defaults)
    const lines =
      linesOf(starter, place) ??
      options.filter((option) => option.place === place).map((option) => optionLine(option, starter))
    return [...set, ...lines, ...commented].map((line) => `    ${line}\n`).join('')
  }
  return `# yaml-language-server: $schema=${schema}
# What lorchestra reads, and where it puts it.
#
# \${NAME} stands for an environment variable, or for one of the file .env beside this file.
# Secrets belong there, not here: copy .env.example to .env, which .gitignore keeps out of version control.

${warehouseLines(starter)}
# Whose data. \`lorchestra sources list\` shows which sources there are.
accounts:
  ${account}:
${linesFor('account')}
# What to read. Try one without writing anything:
#   ${await starterTrial(starter)}
jobs:
  ${job}:
${linesFor('job')}    # Every other key goes to the source.
`
}

function optionLine({name, variable, required}: StarterOption, {source, account}: Starter): string {
  const line = `${/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)}: \${${variable}}`
  if (required) return line
  return source.login === undefined
    ? `# ${line}`
    : `# ${line} # left out: what \`lorchestra accounts login ${account}\` stores`
}

function environmentOf(starter: Starter, options: readonly StarterOption[]): string {
  const {account, source} = starter
  const optional = options.filter(({required}) => !required)
  return `# Copy this file to .env and fill it in. Variables that are set in the environment win over it.
# A value with a # after a space, or with spaces at its ends, goes into quotes. Keep .env out of version control.

${options
  .filter(({required}) => required)
  .map(({variable}) => `${variable}=\n`)
  .join(
    '',
  )}${optional.length > 0 && source.login !== undefined ? `# Not needed after \`lorchestra accounts login ${account}\`:\n` : ''}${optional
    .map(({variable}) => `# ${variable}=\n`)
    .join('')}
${warehouseVariables(starter)}
# Names of the two tables, where they are not event_log and raw_objects:
# EVENT_LOG_TABLE=
# RAW_OBJECTS_TABLE=
`
}
