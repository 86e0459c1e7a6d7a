import type {Command, Interfaces} from '@oclif/core'

/** These are words that are known only where lorchestra is used. */
export type Kind = 'accounts' | 'jobs' | 'runs' | 'sets' | 'sources'

export interface CompletionRequest {
  /** The words behind the name of the program; the last one is to be completed, and may be empty. */
  readonly words: readonly string[]
  readonly commandLine: Pick<Interfaces.Config, 'commands'>
  /** Finds the words of a kind, by the lorchestra.yaml that `--config` names. */
  readonly find: (kind: Kind, config: string | undefined) => Promise<readonly string[]>
}

/** Arguments and flags of these names take such words, in every command. */
const KINDS: Readonly<Record<string, Kind>> = {
  account: 'accounts',
  job: 'jobs',
  run: 'runs',
  source: 'sources',
  'test-set': 'sets',
}

/** Commands make up a name for these, so that those that are there are of no use. */
const NEW_NAMES = new Set(['accounts:add account', 'jobs:add job', 'init account'])

/** Names the words that may stand where the last one is. */
export async function candidatesFor({words, commandLine, find}: CompletionRequest): Promise<readonly string[]> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const {commands} = commandLine
  const found = commandIn(before, commands)
  const inner = found.rest.length === 0 ? nextWords(before, commands) : []
  const {command, rest} = found
  if (command === undefined) return startingWith(current, inner)
  const config = rest[rest.lastIndexOf('--config') + 1]
  const asked = async (kind: Kind): Promise<readonly string[]> =>
    find(kind, rest.includes('--config') ? config : undefined)
  const [, flagOfCurrent, value] = /^--([\w-]+)=(.*)$/.exec(current) ?? []
  if (flagOfCurrent !== undefined && value !== undefined)
    return startingWith(
      current,
      (await valuesOf(command, flagOfCurrent, asked)).map((each) => `--${flagOfCurrent}=${each}`),
    )
  const previous = /^--([\w-]+)$/.exec(rest.at(-1) ?? '')?.[1]
  if (previous !== undefined && command.flags[previous]?.type === 'option')
    return startingWith(current, await valuesOf(command, previous, asked))
  if (current.startsWith('-')) return startingWith(current, flagsOf(command))
  return startingWith(current, [...inner, ...(await valuesOfArgument(command, rest, asked))])
}

type Asked = (kind: Kind) => Promise<readonly string[]>

/** The longest name of a command that the words begin with. */
function commandIn(
  words: readonly string[],
  commands: readonly Command.Loadable[],
): {readonly command?: Command.Loadable; readonly rest: readonly string[]} {
  for (let count = Math.min(words.length, 3); count > 0; count -= 1) {
    const id = words.slice(0, count).join(':')
    const command = commands.find((each) => each.id === id || each.aliases.includes(id))
    if (command !== undefined) return {command, rest: words.slice(count)}
  }
  return {rest: []}
}

function nextWords(words: readonly string[], commands: readonly Command.Loadable[]): readonly string[] {
  const names = commands.filter(({hidden}) => !hidden).map(({id}) => id.split(':'))
  const next = names.filter((name) => name.length > words.length && words.every((word, index) => name[index] === word))
  return [...new Set(next.map((name) => name[words.length] ?? ''))].toSorted()
}

const flagsOf = ({flags}: Command.Loadable): readonly string[] =>
  Object.entries(flags)
    .filter(([, {hidden}]) => hidden !== true)
    .map(([name]) => `--${name}`)

async function valuesOf({id, flags}: Command.Loadable, name: string, asked: Asked): Promise<readonly string[]> {
  const flag = flags[name]
  if (flag?.type !== 'option') return []
  return flag.options ?? wordsOf(id, name, asked)
}

/** Flags and their values are no arguments; the last argument of a command that takes many stands for all others. */
async function valuesOfArgument(
  {id, args, flags, strict}: Command.Loadable,
  rest: readonly string[],
  asked: Asked,
): Promise<readonly string[]> {
  const given = rest.filter((word, index) => {
    const before = /^--([\w-]+)$/.exec(rest[index - 1] ?? '')?.[1] ?? ''
    return !word.startsWith('-') && flags[before]?.type !== 'option'
  })
  const names = Object.keys(args)
  const name =
    names[given.length] ?? (strict === false || args[names.at(-1) ?? '']?.multiple === true ? names.at(-1) : undefined)
  if (name === undefined) return []
  const words = args[name]?.options ?? (await wordsOf(id, name, asked))
  return words.filter((word) => !given.includes(word))
}

async function wordsOf(id: string, name: string, asked: Asked): Promise<readonly string[]> {
  const kind = KINDS[name]
  return kind === undefined || NEW_NAMES.has(`${id} ${name}`) ? [] : asked(kind)
}

const startingWith = (current: string, words: readonly string[]): readonly string[] =>
  words.filter((word) => word.startsWith(current))
