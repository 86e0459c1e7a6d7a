import {isAlias, isMap, isSeq, LineCounter, parseDocument, visit} from 'yaml'
import type {Alias, Document, Pair, ParsedNode, Scalar, YAMLError, YAMLMap} from 'yaml'

import {messageWithCauses} from '../base/errors.ts'
import {problemsError, type Problem} from './problems.ts'
import {hasMalformedVariable, variableOfShell} from './variables.ts'

/** Finds where something stands: `file:line:column` of the key at the path, or of its nearest parent that is there. */
export type Locate = (path: readonly PropertyKey[]) => string

export interface YamlFile {
  readonly value: unknown
  readonly locate: Locate
}

// Enough for anybody, too few for a file that unfolds into gigabytes.
const MOST_ALIASES = 100

/** Reads YAML into plain data with positions. Throws one usage error with all that is wrong with the syntax. */
export function parseYamlFile(text: string, shownPath: string): YamlFile {
  const lines = new LineCounter()
  const positionOf = (offset: number): string => {
    const {line, col} = lines.linePos(offset)
    return `${shownPath}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core',
    stringKeys: true,
    resolveKnownTags: false,
    // At `silent` a second document is dropped without an error.
    logLevel: 'error',
  })
  const problems: Problem[] = [...withoutConsequences(document.errors), ...document.warnings].map((error) => ({
    position: positionOf(error.pos[0]),
    ...describeSyntaxError(error, text),
  }))
  if (problems.length === 0) problems.push(...findTraps(document, positionOf))
  if (problems.length > 0) throw problemsError(shownPath, problems)
  return {
    value: toData(document, shownPath),
    locate: (path) => positionOf(offsetOf(document, path)),
  }
}

/** What follows an error of syntax is misunderstood as well. */
function withoutConsequences(errors: readonly YAMLError[]): readonly YAMLError[] {
  const first = errors.findIndex(({code}) => code !== 'DUPLICATE_KEY')
  return first === -1 ? errors : errors.slice(0, first + 1)
}

function describeSyntaxError({code, message, pos}: YAMLError, text: string): Omit<Problem, 'position'> {
  if (code === 'DUPLICATE_KEY') return {message: 'the key stands here a second time'}
  const [, name] = /^%(\w+)%/.exec(text.slice(pos[0])) ?? []
  if (name !== undefined) return {message: `%${name}% is no variable here`, advice: `Write \${${name}}.`}
  if (!/^\$\{\w/.test(text.slice(pos[0] - 1))) return {message: firstLine(message)}
  return {message: '${NAME} stands without quotes inside of {…} or […]', advice: 'Write "${NAME}".'}
}

/** Whoever means them puts straight ones around. */
const PRINTED_QUOTES = /^[\p{Pi}„‚].*[\p{Pf}\p{Pi}]$/u

/** Finds what YAML allows and would surprise the user. */
function findTraps(document: Document<ParsedNode>, positionOf: (offset: number) => string): Problem[] {
  const problems: Problem[] = []
  const add = (node: {range?: readonly number[] | null | undefined}, message: string, advice?: string): void => {
    problems.push({
      position: positionOf(node.range?.[0] ?? 0),
      message,
      ...(advice !== undefined && {advice}),
    })
  }
  visit(document, {
    Alias(_, alias, ancestors) {
      const target = alias.resolve(document)
      if (target === undefined) add(alias, `nothing above is marked &${alias.source}`)
      else if (ancestors.includes(target)) add(alias, `*${alias.source} stands inside of what it repeats`)
    },
    Pair(_, pair) {
      const key = pair.key as Scalar
      if (key.value === '__proto__') add(key, '__proto__ is not a key that can be used')
      if (key.value === '<<')
        add(key, 'merge keys (<<) are not read', 'Write the keys out, or repeat one value with *.')
    },
    Scalar(_, {value, source, range, type}) {
      if (typeof value === 'number' && !isExact(value, source)) {
        add({range}, `${source ?? value} is not a number that can be read exactly`, 'Put it into quotes.')
      }
      if (typeof value === 'string' && hasMalformedVariable(value)) {
        add(
          {range},
          '${ is not followed by NAME}',
          'Write ${NAME} for an environment variable, $${ for the characters themselves.',
        )
      }
      const shell = typeof value === 'string' ? variableOfShell(value) : undefined
      if (shell !== undefined) {
        const advice = `Write \${${shell.name}}; where the text is meant, set a variable to it and name that.`
        add({range}, `${shell.written} is no variable without braces`, advice)
      }
      if (type === 'PLAIN' && typeof value === 'string' && PRINTED_QUOTES.test(value)) {
        add(
          {range},
          'the quotes are those of printed text, and would be part of the value',
          'Write straight ones: "…".',
        )
      }
    },
  })
  return problems
}

const isExact = (value: number, source: string | undefined): boolean =>
  Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value) || /[.eE]/.test(source ?? ''))

function toData(document: Document<ParsedNode>, shownPath: string): unknown {
  try {
    return document.toJS({maxAliasCount: MOST_ALIASES})
  } catch (error) {
    throw problemsError(shownPath, [{position: `${shownPath}:1:1`, message: messageWithCauses(error)}])
  }
}

function offsetOf(document: Document<ParsedNode>, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents
  let offset = document.contents?.range[0] ?? 0
  for (const key of path) {
    const container = isAlias(node) ? resolve(node, document) : node
    if (isMap(container)) {
      const pair = pairOf(container, key)
      if (pair === undefined) break
      offset = (pair.key as Scalar).range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(container)) {
      const item = container.items[Number(key)] as ParsedNode | undefined
      if (item === undefined) break
      offset = item.range[0]
      node = item
    } else break
  }
  return offset
}

const resolve = (alias: Alias, document: Document<ParsedNode>): unknown => alias.resolve(document)

const pairOf = (map: YAMLMap, key: PropertyKey): Pair | undefined =>
  map.items.find((pair) => (pair.key as Scalar).value === String(key))

const firstLine = (text: string): string => text.split('\n')[0] ?? text
