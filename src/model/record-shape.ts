import {isExactNumber} from '../base/exact-json.ts'
import {segmentFor} from '../base/json-pointer.ts'
import type {JsonObject} from '../source.ts'

/**
 * What a value can be. An object whose members are named by ids is a `map`: its members are not told apart. A number that
 * neither 64 bits of an integer nor a double hold is `decimal`; a text that is an instant by RFC 3339, with its zone and no more
 * than microseconds, is `timestamp`.
 */
export const SHAPE_TYPES = [
  'null',
  'boolean',
  'integer',
  'number',
  'decimal',
  'timestamp',
  'string',
  'array',
  'object',
  'map',
] as const

export type ShapeType = (typeof SHAPE_TYPES)[number]

/** One path, as the records that were folded have it. */
export interface PathShape {
  /** A JSON pointer (RFC 6901), in which `*` is any element of a list and any member that is named by an id. */
  readonly path: string
  /** The types that its values have, each with the key of the first record that has it. */
  readonly types: Readonly<Partial<Record<ShapeType, string>>>
  /** So many values there are. */
  readonly count: number
  /** So many of them are objects. */
  readonly objects: number
}

/** The records of one stream that a slice read; parents come before their members. */
export interface StreamShape {
  readonly objectType: string
  readonly records: number
  readonly paths: readonly PathShape[]
  /** There were more paths than are kept. */
  readonly morePaths: boolean
}

/** An object with more members than these, of all records together, is a map. */
export const MOST_MEMBERS = 200
/** A stream has at most so many paths. */
export const MOST_PATHS = 2000
/** What lies deeper is not looked at. */
const DEEPEST = 12
/** A longer name is none that somebody gave a column. */
const LONGEST_NAME = 100

const BIT = Object.fromEntries(SHAPE_TYPES.map((type, index) => [type, 1 << index])) as Record<ShapeType, number>
const INTEGER_64 = 2 ** 63
/** It is in no map of members, so a member that is called so is not taken for it. */
const ANY = '*'

interface Node {
  readonly name: string
  types: number
  count: number
  objects: number
  /** They stand at the numbers of their types. */
  examples: (string | undefined)[]
  members: Map<string, Node> | undefined
  /** Elements of a list, and members of a map. */
  any: Node | undefined
  /** The members of the last object, in its order. */
  readonly order: Node[]
}

const emptyNode = (name: string): Node => ({
  name,
  types: 0,
  count: 0,
  objects: 0,
  examples: [],
  members: undefined,
  any: undefined,
  order: [],
})

/** Folds records into the shape that they have together; its memory is bounded whatever they are. */
export class ShapeFold {
  readonly #root = emptyNode('')
  #paths = 0
  #morePaths = false
  /** That of the record which is being folded. */
  #key = ''

  add(record: JsonObject, idemKey: string): void {
    this.#key = idemKey
    this.#fold(record, this.#root, 0)
  }

  shapeOf(objectType: string): StreamShape {
    const paths: PathShape[] = []
    const collect = (node: Node, path: string): void => {
      for (const [name, member] of membersOf(node)) {
        const pointer = `${path}/${name}`
        const types = SHAPE_TYPES.flatMap((type, index) =>
          (member.types & (1 << index)) === 0 ? [] : [[type, member.examples[index] ?? ''] as const],
        )
        paths.push({path: pointer, types: Object.fromEntries(types), count: member.count, objects: member.objects})
        collect(member, pointer)
      }
    }
    collect(this.#root, '')
    return {objectType, records: this.#root.count, paths, morePaths: this.#morePaths}
  }

  #fold(given: unknown, node: Node, depth: number): void {
    const value = asWritten(given)
    const bit = typeof value === 'string' ? bitOfText(value, node.types) : bitOf(value)
    node.count += 1
    if ((node.types & bit) === 0) this.#learn(node, bit)
    if (bit < BIT.array || depth === DEEPEST) return
    if (bit === BIT.array) {
      const elements = value as readonly unknown[]
      if (elements.length === 0) return
      const any = (node.any ??= this.#newNode(ANY))
      if (any !== undefined) for (const element of elements) this.#fold(element, any, depth + 1)
      return
    }
    node.objects += 1
    const members = value as Readonly<Record<string, unknown>>
    const names = Object.keys(members)
    for (let index = 0; index < names.length; index += 1) {
      const name = names[index] as string
      const member = members[name]
      if (member === undefined) continue
      // Records of one kind have their members in one order, so most are found where the last one had them.
      const expected = node.order[index]
      let place = expected?.name === name ? expected : node.members?.get(name)
      if (place === undefined) place = this.#placeFor(name, node)
      if (place === undefined) continue
      if (place !== expected && index < MOST_MEMBERS) node.order[index] = place
      this.#fold(member, place, depth + 1)
    }
  }

  #learn(node: Node, bit: number): void {
    node.types |= bit
    node.examples[31 - Math.clz32(bit)] ??= this.#key
  }

  /** Finds or makes the place of a member that has none of its own yet. */
  #placeFor(name: string, node: Node): Node | undefined {
    if ((node.types & BIT.map) !== 0 || isIdName(name)) return (node.any ??= this.#newNode(ANY))
    const members = (node.members ??= new Map<string, Node>())
    if (members.size === MOST_MEMBERS) {
      this.#learn(node, BIT.map)
      for (const member of members.values()) {
        node.any ??= emptyNode(ANY)
        mergeNode(node.any, member)
      }
      node.members = undefined
      node.order.length = 0
      this.#paths = pathsBelow(this.#root)
      return (node.any ??= this.#newNode(ANY))
    }
    const made = this.#newNode(name)
    if (made !== undefined) members.set(name, made)
    return made
  }

  #newNode(name: string): Node | undefined {
    if (this.#paths === MOST_PATHS) {
      this.#morePaths = true
      return undefined
    }
    this.#paths += 1
    return emptyNode(name)
  }
}

function* membersOf({members, any}: Node): Generator<readonly [string, Node]> {
  if (any !== undefined) yield ['*', any]
  for (const [name, member] of members ?? []) yield [segmentFor(name), member]
}

const pathsBelow = (node: Node): number =>
  [...membersOf(node)].reduce((paths, [, member]) => paths + 1 + pathsBelow(member), 0)

function mergeNode(into: Node, from: Node): void {
  into.types |= from.types
  into.count += from.count
  into.objects += from.objects
  for (const [index, example] of from.examples.entries()) into.examples[index] ??= example
  if (from.any !== undefined) mergeNode((into.any ??= emptyNode(ANY)), from.any)
  for (const [name, member] of from.members ?? []) {
    if ((into.types & BIT.map) !== 0) {
      mergeNode((into.any ??= emptyNode(ANY)), member)
      continue
    }
    const members = (into.members ??= new Map<string, Node>())
    const place = members.get(name) ?? emptyNode(name)
    members.set(name, place)
    mergeNode(place, member)
  }
}

/** A date, say, tells by itself how it is written as JSON. */
function asWritten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const {toJSON} = value as {readonly toJSON?: unknown}
  return typeof toJSON === 'function' ? (toJSON.call(value) as unknown) : value
}

function bitOf(value: unknown): number {
  if (typeof value === 'number') return bitOfNumber(value)
  if (typeof value === 'boolean') return BIT.boolean
  if (typeof value !== 'object' || value === null) return BIT.null
  if (Array.isArray(value)) return BIT.array
  return isExactNumber(value) ? bitOfExactNumber(value) : BIT.object
}

const bitOfNumber = (value: number): number =>
  Number.isInteger(value) && Math.abs(value) < INTEGER_64 ? BIT.integer : BIT.number

function bitOfExactNumber(value: object): number {
  const digits = JSON.stringify(value)
  const fits = /^-?\d{1,19}$/.test(digits) && BigInt.asIntN(64, BigInt(digits)) === BigInt(digits)
  return fits ? BIT.integer : BIT.decimal
}

const INSTANT =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/
const [SHORTEST_INSTANT, LONGEST_INSTANT, DASH, CAPITAL_T] = [20, 32, 0x2d, 0x54]

/** Where some texts are none, it is no use to look which ones are instants. */
function bitOfText(text: string, before: number): number {
  const {length} = text
  if ((before & BIT.string) !== 0 || length < SHORTEST_INSTANT || length > LONGEST_INSTANT) return BIT.string
  const looksLikeOne = text.charCodeAt(4) === DASH && text.charCodeAt(10) === CAPITAL_T
  return looksLikeOne && INSTANT.test(text) ? BIT.timestamp : BIT.string
}

const UUID = /^\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?$/i
const HEXADECIMAL = /^(?=.*\d)[0-9a-f]{16,}$/i

/** Tells whether a member is named by an id, a number or a date, of which there are ever more. */
export const isIdName = (name: string): boolean =>
  name.length > LONGEST_NAME || name === '' || /^[\d:._-]+$/.test(name) || UUID.test(name) || HEXADECIMAL.test(name)
