import {usageError} from '../base/errors.ts'
import {namesIn} from '../base/json-pointer.ts'
import {isTestTableOf, type TableSet} from '../model/tables.ts'
import type {SchemaFact, SchemaType} from '../model/stream-schema.ts'
import type {Stream} from '../source.ts'

export type ViewType = 'integer' | 'number' | 'boolean' | 'timestamp' | 'text' | 'json'

/** One member of the records becomes one column of a view. */
export interface ViewColumn {
  readonly name: string
  /** It is a JSON pointer without `*`. */
  readonly path: string
  readonly type: ViewType
}

/** These columns of the table stand before the members. */
export const VIEW_HEAD = ['idem_key', 'external_id', 'first_seen', 'last_seen']

export interface ViewToMake {
  readonly tables: TableSet
  readonly stream: Stream
  readonly columns: readonly ViewColumn[]
}

export interface ViewSql {
  /** The view is this query. */
  readonly select: string
  /** This query counts, in one row and in the order of the columns, the values that the view makes NULL or another one of. */
  readonly losses: string
}

/** Objects are spread out so deep; what lies deeper stays JSON. */
const SPREAD = 3
const LONGEST_NAME = 100
/** Some warehouses keep these beginnings for themselves. */
const RESERVED = /^_(?:table_|file_|partition|row_timestamp|_root__|colidentifier)/i

/** Makes columns of what is known of a stream's records, in the order of their paths. */
export function viewColumns(facts: readonly SchemaFact[]): readonly ViewColumn[] {
  const taken = new Set(VIEW_HEAD)
  const known = facts.filter(({path}) => path !== '' && !path.split('/').includes('*'))
  const types = new Map(known.map((fact) => [fact.path, valuesOf(fact)]))
  const isSpread = (path: string): boolean =>
    depthOf(path) < SPREAD &&
    types.get(path)?.join() === 'object' &&
    known.some((one) => one.path.startsWith(`${path}/`))
  const wanted = known.filter(({path}) => !isSpread(path) && parentsOf(path).every(isSpread))
  return wanted.map(({path}) => ({path, name: freeName(path, taken), type: typeOf(types.get(path) ?? [])}))
}

/** A view is called after its stream, in letters that need no quotes. */
export const viewNameOf = ({sourceSystem, objectType}: Stream): string =>
  `${sourceSystem}_${objectType}`.replaceAll('-', '_')

/** Throws for a name that is no plain one, or that a table of any set has. */
export function assertViewName(name: string, production: TableSet): void {
  const isTable = [production.eventLog, production.rawObjects].some(
    (table) => table.toLowerCase() === name.toLowerCase() || isTestTableOf(table, name),
  )
  if (!isTable && /^[a-z_]\w{0,127}$/i.test(name) && !/^lorchestra_/i.test(name)) return
  throw usageError(`a view cannot be called ${JSON.stringify(name)}`, {
    code: 'E_NAME_INVALID',
    next: 'Pass --name with letters, digits and _, that is not the name of a table of runs.',
  })
}

/** Makes the error for a name that something else has, which is left alone. */
export const nameTaken = (name: string, what: string): Error =>
  usageError(`${name} is ${what}, and was left as it is`, {
    code: 'E_NAME_TAKEN',
    next: 'Pass another --name.',
  })

const valuesOf = ({types}: SchemaFact): readonly SchemaType[] => types.filter((type) => type !== 'null')

function typeOf(types: readonly SchemaType[]): ViewType {
  const [type, ...others] = types
  if (type === undefined || others.length > 0) return 'json'
  if (type === 'string' || type === 'decimal') return 'text'
  return type === 'integer' || type === 'number' || type === 'boolean' || type === 'timestamp' ? type : 'json'
}

const depthOf = (path: string): number => path.split('/').length - 1

function parentsOf(path: string): readonly string[] {
  const names = path.split('/').slice(1, -1)
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
}

function freeName(path: string, taken: Set<string>): string {
  const plain = namesIn(path).join('__').replaceAll(/\W/g, '_').slice(0, LONGEST_NAME)
  const name = /^\d/.test(plain) || plain === '' ? `_${plain}` : RESERVED.test(plain) ? `x${plain}` : plain
  let free = name
  for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `${name}_${number}`
  taken.add(free.toLowerCase())
  return free
}
