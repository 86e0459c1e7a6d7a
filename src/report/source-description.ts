import type {Config as CommandLine} from '@oclif/core'
import wrapAnsi from 'wrap-ansi'

import {describeOptions, showValue, type DescribedOption} from '../config/described-options.ts'
import {jsonSchemaOf} from '../config/options-schema.ts'
import {pathOf, valueAt} from '../config/problems.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {findSources, loadSource} from '../sources/source-plugins.ts'
import type {SourceDescription} from './documents/sources-show.ts'
import type {Screen} from '../base/screen.ts'
import {formatFacts, type Fact} from './text-table.ts'

/** Asks a source what it reads and which options it has. Nothing is contacted, and no lorchestra.yaml is needed. */
export async function describeSource(commandLine: CommandLine, name: string): Promise<SourceDescription> {
  const found = await findSources(commandLine)
  const {source, box} = await loadSource(found, name, {folder: process.cwd(), paths: [], allow: []})
  try {
    const listed = found.sources.find(({descriptor}) => descriptor.name === name)
    const schema = jsonSchemaOf(source)
    const starter = await starterOptions(source)
    const described = describeOptions(schema).map((option) => {
      const example = option.example ?? valueAt(starter, option.name.split('.'))
      return {...option, ...(example !== undefined && {example})}
    })
    const missed = await missedOf(source, {})
    return {
      source: name,
      summary: source.summary,
      plugin: listed?.plugin ?? {name: 'none', version: 'none', type: 'none'},
      reads: listed?.descriptor.reads ?? [],
      spawn: listed?.descriptor.spawn ?? false,
      login: source.login !== undefined,
      sweeps: source.listKeys !== undefined,
      defaults: {...source.defaults},
      streams: await streamsOf(source, described, starter),
      options:
        schema === undefined
          ? null
          : described.map(({name: option, isText: _isText, ...told}) => ({
              option,
              ...told,
              required: told.required || missed.includes(option),
              secret: source.secrets?.includes(option) === true,
              selects: source.selection?.includes(option) === true,
            })),
    }
  } finally {
    box.close()
  }
}

/** Names the options that a source asks for where it is given these. */
async function missedOf(source: HostedSource, given: object): Promise<readonly string[]> {
  const {issues = []} = await source.options['~standard'].validate(given)
  return issues.map((issue) => pathOf(issue).map(String).join('.'))
}

/** The options that `lorchestra init` writes, where the source says which. */
async function starterOptions({starter}: HostedSource): Promise<unknown> {
  if (starter === undefined) return undefined
  const {parse} = await import('yaml')
  return parse(`${starter.account}\n${starter.job}`) as unknown
}

/** What it reads may depend on its options, so those of a first job stand for them. */
async function streamsOf(
  source: HostedSource,
  described: readonly DescribedOption[],
  starter: unknown,
): Promise<SourceDescription['streams']> {
  const missed = await missedOf(source, {})
  const examples = described.filter(({name, required}) => !name.includes('.') && (required || missed.includes(name)))
  const given = starter ?? Object.fromEntries(examples.map(({name, example}) => [name, example]))
  const result = await source.options['~standard'].validate(given)
  if (result.issues !== undefined) return null
  return source
    .streams(result.value)
    .map(({objectType, windowed, misses = []}) => ({object_type: objectType, windowed, misses}))
}

export function formatSource(source: SourceDescription, screen: Screen): string {
  const {plugin, streams, defaults} = source
  const rows: Fact[] = [
    ['source', `${source.source} (${source.summary})`],
    ['plugin', `${plugin.name} ${plugin.version}`],
    ['reads', [...source.reads, 'its package', 'files that options name'].join(', ')],
    ['starts', source.spawn ? 'processes, where the account has `allow: [spawn]`' : 'nothing'],
    ['signs in', source.login ? 'lorchestra accounts login ACCOUNT' : 'by its options alone'],
    ['sweeps', source.sweeps ? 'yes: `sweep:` and `reconcile` find what windows miss' : 'no'],
    ...Object.entries(defaults).map(([key, value]): Fact => [key, `${value}, where a job does not say`]),
    ...(streams ?? []).map(({object_type, windowed, misses}): Fact => [
      'stream',
      `${object_type} (${windowed ? 'by time' : 'whole'}${misses.length === 0 ? '' : `; may miss what is ${misses.join(' or ')}`})`,
    ]),
  ]
  const {options} = source
  if (options === null) return `${formatFacts(rows, screen)}\n\nIts schema does not say which options there are.`
  if (options.length === 0) return `${formatFacts(rows, screen)}\n\nIt has no options.`
  return `${formatFacts(rows, screen)}\n\nOptions, in an account or a job of lorchestra.yaml:\n\n${options.map((option) => formatOption(option, screen)).join('\n')}`
}

const requiredWhere = (option: string): string =>
  option.includes('.') ? `required in ${option.split('.')[0]}` : 'required'

function formatOption(option: NonNullable<SourceDescription['options']>[number], {columns}: Screen): string {
  const {description, values = []} = option
  const marks = [
    ...(option.required ? [requiredWhere(option.option)] : []),
    ...(option.secret ? ['secret'] : []),
    ...(option.selects ? ['selects records'] : []),
    ...(option.default === undefined ? [] : [`default ${showValue(option.default)}`]),
    ...(option.example === undefined ? [] : [`example ${showValue(option.example)}`]),
  ]
  const told = values.flatMap(({value, description: meaning}) =>
    meaning === undefined ? [] : [`      ${showValue(value)}: ${meaning}`],
  )
  return [
    `  ${option.option}: ${option.type}${marks.length === 0 ? '' : ` (${marks.join('; ')})`}`,
    ...(description === undefined ? [] : [`      ${description}.`]),
    ...told,
  ]
    .map((line) => line.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' '))
    .flatMap((line) => wrapped(line, columns))
    .join('\n')
}

/** A terminal by itself would go on at its left edge. */
function wrapped(line: string, columns: number | undefined): readonly string[] {
  if (columns === undefined) return [line]
  const [indent = ''] = /^ */.exec(line) ?? []
  const text = wrapAnsi(line.slice(indent.length), Math.max(1, columns - indent.length), {hard: true})
  return text.split('\n').map((part) => `${indent}${part}`)
}
