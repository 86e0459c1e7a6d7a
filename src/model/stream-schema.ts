import {isIdName, MOST_MEMBERS, MOST_PATHS, SHAPE_TYPES, type ShapeType, type StreamShape} from './record-shape.ts'

/** What is known of one path of a stream's records. It only ever grows, so each fact is news once. */
export interface SchemaFact {
  /** A JSON pointer, in which `*` is any element or member; of the record itself it is empty. */
  readonly path: string
  readonly types: readonly SchemaType[]
  /** Every object that can have it has it. */
  readonly always: boolean
}

/** `more`, of the record itself: it has more paths than are kept. */
export type SchemaType = ShapeType | 'more'

export const SCHEMA_TYPES: readonly SchemaType[] = [...SHAPE_TYPES, 'more']

export interface SchemaChange extends SchemaFact {
  /** The types before; `null` for a new path. */
  readonly was: readonly SchemaType[] | null
  readonly wasAlways: boolean
  /** So many of the objects that were read and can have it do. */
  readonly count: number
  readonly of: number
  /** The key of a record that shows the change, where one does. */
  readonly example?: string
}

/** A type takes in those that it can hold as well. */
const TAKES_IN: Readonly<Partial<Record<SchemaType, readonly SchemaType[]>>> = {
  number: ['integer'],
  decimal: ['integer', 'number'],
  string: ['timestamp'],
  map: ['object'],
}

interface Seen {
  readonly path: string
  readonly examples: Map<SchemaType, string>
  count: number
  objects: number
}

const RECORD = ''

/** Knows the facts of one stream, and tells what is new in the shape of more records. */
export class StreamSchema {
  readonly #facts = new Map<string, SchemaFact>()
  readonly #members = new Map<string, number>()

  get isEmpty(): boolean {
    return this.#facts.size === 0
  }

  /** Gives them in the order of their paths; that a record is an object goes without saying. */
  facts(): readonly SchemaFact[] {
    const all = [...this.#facts.values()].filter(
      ({path, types}) => path !== RECORD || types.some((type) => type !== 'object'),
    )
    return all.toSorted((one, other) => (one.path < other.path ? -1 : 1))
  }

  /** Tells whether this would be no news. */
  knows({path, types, always}: SchemaFact): boolean {
    const known = this.#facts.get(this.#placeOf(path))
    return known !== undefined && sameTypes(united(known.types, types), known.types) && (always || !known.always)
  }

  /** Takes what was told before. */
  learn(told: SchemaFact): void {
    const path = this.#placeOf(told.path)
    const known = this.#facts.get(path)
    const always = told.always && (known === undefined || known.always)
    this.#set({path, types: united(known?.types ?? [], told.types), always})
  }

  /** Takes the shape of more records, and gives what it says that was not known. */
  fold(shape: StreamShape): readonly SchemaChange[] {
    const seen = this.#seenIn(shape)
    const objectsAt = (path: string): number => (path === RECORD ? shape.records : (seen.get(path)?.objects ?? 0))
    const changes: SchemaChange[] = []
    const hadObjects = new Set([...this.#facts.values()].filter(({types}) => holdsMembers(types)).map(({path}) => path))
    let morePaths = shape.morePaths
    // Records without any member are known from here on, too.
    if (shape.records > 0 && this.isEmpty)
      changes.push(...this.#change({path: RECORD, types: ['object'], always: true}, shape.records))
    for (const {path, examples, count} of seen.values()) {
      const known = this.#facts.get(path)
      if (known === undefined && this.#facts.size >= MOST_PATHS) {
        morePaths = true
        continue
      }
      const parent = parentOf(path)
      const of = isAny(path) ? count : objectsAt(parent)
      const wasThere = known === undefined && hadObjects.has(parent) && !isAny(path)
      const always = count === of && !wasThere && (known?.always ?? true)
      const types = united(known?.types ?? [], [...examples.keys()])
      if (known !== undefined && sameTypes(types, known.types) && always === known.always) continue
      const fresh = types.find((type) => known?.types.includes(type) !== true)
      const example = fresh === undefined ? undefined : (examples.get(fresh) ?? [...examples.values()][0])
      changes.push(changeOf(known, {path, types, always}, {count, of, example}))
      this.#set({path, types, always})
    }
    if (!morePaths) changes.push(...this.#missing(seen, objectsAt))
    else changes.push(...this.#change({path: RECORD, types: ['more'], always: true}, shape.records))
    changes.push(...this.#newMaps(shape.records))
    return changes
  }

  /** Finds what was in every object until now, and is in none of these. */
  #missing(seen: ReadonlyMap<string, Seen>, objectsAt: (path: string) => number): readonly SchemaChange[] {
    const changes: SchemaChange[] = []
    for (const known of this.#facts.values()) {
      if (!known.always || isAny(known.path) || known.path === RECORD || seen.has(known.path)) continue
      const of = objectsAt(parentOf(known.path))
      if (of > 0) changes.push(changeOf(known, {...known, always: false}, {count: 0, of}))
    }
    for (const change of changes) this.#set(change)
    return changes
  }

  /** Makes maps of objects that have too many members by now. */
  #newMaps(records: number): readonly SchemaChange[] {
    const changes: SchemaChange[] = []
    for (const [parent, members] of this.#members) {
      if (members <= MOST_MEMBERS) continue
      changes.push(...this.#change({path: parent, types: ['map'], always: true}, records))
    }
    return changes
  }

  #change(told: SchemaFact, of: number): readonly SchemaChange[] {
    const known = this.#facts.get(told.path)
    const types = united(known?.types ?? [], told.types)
    if (known !== undefined && sameTypes(types, known.types)) return []
    const fact = {path: told.path, types, always: known?.always ?? told.always}
    this.#set(fact)
    return [changeOf(known, fact, {count: of, of})]
  }

  #set({path, types, always}: SchemaFact): void {
    if (!this.#facts.has(path) && path !== RECORD && !isAny(path)) {
      const parent = parentOf(path)
      this.#members.set(parent, (this.#members.get(parent) ?? 0) + 1)
    }
    this.#facts.set(path, {path, types, always})
    if (types.includes('map')) this.#gatherMembers(path)
  }

  /** Puts what is known of the members of a map together. */
  #gatherMembers(map: string): void {
    this.#members.delete(map)
    const below = [...this.#facts.values()].filter(
      ({path}) => path.startsWith(`${map}/`) && !path.startsWith(`${map}/*`),
    )
    for (const {path} of below) {
      this.#facts.delete(path)
      this.#members.delete(path)
    }
    // Whether all members have it is not known.
    for (const fact of below) this.learn({...fact, always: isAny(this.#placeOf(fact.path))})
  }

  #seenIn({paths}: StreamShape): ReadonlyMap<string, Seen> {
    const seen = new Map<string, Seen>()
    for (const {path: told, types, count, objects} of paths) {
      const path = this.#placeOf(told)
      const known = seen.get(path) ?? {path, examples: new Map<SchemaType, string>(), count: 0, objects: 0}
      seen.set(path, known)
      for (const [type, example] of Object.entries(types) as [ShapeType, string][])
        if (!known.examples.has(type)) known.examples.set(type, example)
      known.count += count
      known.objects += objects
    }
    return seen
  }

  /** Gives the path under which this one is known: the members of a map have one together. */
  #placeOf(path: string): string {
    let place = ''
    for (const name of path.split('/').slice(1)) {
      const isMember = this.#facts.get(place)?.types.includes('map') === true || isIdName(name)
      place += isMember ? '/*' : `/${name}`
    }
    return place
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))
const isAny = (path: string): boolean => path.endsWith('/*')
const holdsMembers = (types: readonly SchemaType[]): boolean => types.includes('object') || types.includes('map')

const sameTypes = (one: readonly SchemaType[], other: readonly SchemaType[]): boolean =>
  one.length === other.length && one.every((type) => other.includes(type))

/** Gives the types of both, without those that another one takes in, in the order of the list. */
export function united(one: readonly SchemaType[], other: readonly SchemaType[]): readonly SchemaType[] {
  const all = new Set([...one, ...other])
  return SCHEMA_TYPES.filter(
    (type) => all.has(type) && ![...all].some((larger) => (TAKES_IN[larger] ?? []).includes(type)),
  )
}

const changeOf = (
  known: SchemaFact | undefined,
  {path, types, always}: SchemaFact,
  {count, of, example}: {readonly count: number; readonly of: number; readonly example?: string | undefined},
): SchemaChange => ({
  path,
  types,
  always,
  was: known?.types ?? null,
  wasAlways: known?.always ?? false,
  count,
  of,
  ...(example !== undefined && {example}),
})
