import {isDeepStrictEqual} from 'node:util'

import {isMap, parseDocument, stringify} from 'yaml'
import type {Document, Node, Pair, Scalar, YAMLMap} from 'yaml'

import {usageError} from '../base/errors.ts'

/** An entry is an account or a job that is not in lorchestra.yaml yet. */
export interface NewEntry {
  readonly section: 'accounts' | 'jobs'
  readonly name: string
  /** Its keys as lines of YAML, without indentation. */
  readonly lines: string
}

const INDENT = 2

/**
 * Adds an entry to the text of a lorchestra.yaml that was read without an error. All other lines stay as they are, byte for byte,
 * but where the section stands in `{…}`. Throws where an entry of that name is there.
 */
export function addEntry(text: string, entry: NewEntry): string {
  const before = parse(text)
  const {section, name} = entry
  if (before.hasIn([section, name])) throw taken(entry)
  const value: unknown = parse(entry.lines).toJS() ?? {}
  const wanted = parse(text)
  setIn(wanted, entry, value)
  const spliced = splice(text, before, entry)
  if (spliced !== undefined && isSame(parse(spliced), wanted)) return spliced
  return wanted.toString({lineWidth: 0})
}

const parse = (text: string): Document.Parsed => parseDocument(text, {schema: 'core', stringKeys: true})

/** Two documents are the same where all values are, in the same order. */
const isSame = (one: Document, other: Document): boolean =>
  one.errors.length === 0 &&
  isDeepStrictEqual(one.toJS(), other.toJS()) &&
  JSON.stringify(one.toJS()) === JSON.stringify(other.toJS())

function setIn(document: Document, {section, name}: NewEntry, value: unknown): void {
  if (!isMap(document.contents)) document.contents = document.createNode({})
  if (!isMap(document.get(section))) document.set(section, document.createNode({}))
  document.setIn([section, name], document.createNode(value))
}

/** Puts lines in behind the last entry of the section; `undefined` where it is not written in lines. */
function splice(text: string, document: Document.Parsed, {section, name, lines}: NewEntry): string | undefined {
  const eol = text.includes('\r\n') ? '\r\n' : '\n'
  const write = (indent: number): string => {
    const head = stringify({[name]: null}, {lineWidth: 0, nullStr: ''})
      .trimEnd()
      .replace(/: *$/, ':')
    const body = lines
      .trimEnd()
      .split('\n')
      .map((line) => (line === '' ? line : `${' '.repeat(INDENT)}${line}`))
    return [head, ...body].map((line) => `${' '.repeat(indent)}${line}`.trimEnd() + eol).join('')
  }
  const {contents} = document
  if (contents !== null && (!isMap(contents) || contents.flow === true)) return undefined
  const pair = contents === null ? undefined : pairOf(contents, section)
  if (pair === undefined) {
    const gap = text === '' || text.endsWith('\n') ? '' : eol
    return `${text}${gap}${section}:${eol}${write(INDENT)}`
  }
  const column = columnOf(text, pair.key as Scalar)
  const map = pair.value
  if (!isMap(map)) return insertAfter(text, offsetOf(pair.key as Scalar), column, eol, write(column + INDENT))
  const last = map.items.at(-1)
  if (map.flow === true || last === undefined) return undefined
  const at = offsetOf((last.value as Node | null) ?? (last.key as Scalar))
  return insertAfter(
    text,
    Math.max(at, offsetOf(last.key as Scalar)),
    column,
    eol,
    write(columnOf(text, last.key as Scalar)),
  )
}

/** What follows and is indented further than the section's own key, comments too, belongs to the last entry. */
function insertAfter(text: string, offset: number, column: number, eol: string, entry: string): string {
  let end = endOfLine(text, offset)
  for (let next = end; next < text.length;) {
    const lineEnd = endOfLine(text, next)
    const line = text.slice(next, lineEnd)
    if (line.trim() !== '' && line.search(/\S/) <= column) break
    if (line.trim() !== '') end = lineEnd
    next = lineEnd
  }
  const head = text.slice(0, end)
  return `${head}${head.endsWith('\n') ? '' : eol}${entry}${text.slice(end)}`
}

function endOfLine(text: string, offset: number): number {
  const found = text.indexOf('\n', offset)
  return found === -1 ? text.length : found + 1
}

/** The last character of what a node says, without the comment behind it. */
const offsetOf = (node: Node): number => Math.max((node.range?.[1] ?? 0) - 1, node.range?.[0] ?? 0)

const columnOf = (text: string, {range}: Scalar): number => {
  const start = range?.[0] ?? 0
  return start - (text.lastIndexOf('\n', start - 1) + 1)
}

const pairOf = (map: YAMLMap, key: string): Pair | undefined =>
  map.items.find((pair) => (pair.key as Scalar).value === key)

const taken = ({section, name}: NewEntry): Error =>
  usageError(
    `there is ${section === 'jobs' ? 'a job' : 'an account'} ${JSON.stringify(name)} already; nothing was written`,
    {
      code: 'E_NAME_TAKEN',
      next: `Choose another name, or change what stands under \`${section}: ${name}:\` in an editor.`,
    },
  )
