import {changesOf, type JsonChange} from '../base/json-difference.ts'
import {pointerTo} from '../base/json-pointer.ts'
import {hidePaths, hideWithin} from '../model/hidden-paths.ts'
import type {ChangedRow, Compared, ComparedCounts, InsertedSample} from '../warehouse/comparison.ts'

/** What a run would change, or a run into test tables does. */
export interface Diff {
  /** The name of the table with which records were compared. */
  readonly table: string
  readonly tableExists: boolean
  /** The instant from which on it was looked at. */
  readonly at: Date
  readonly counts: ComparedCounts
  /** The same for each object type that came. */
  readonly byObjectType: ReadonlyMap<string, ComparedCounts>
  /** Each path with the number of updated rows in which it changes, most first. */
  readonly paths: readonly ChangedPath[]
  /** The number of changes on paths that are not told, because there are too many. */
  readonly changesElsewhere: number
  /** What is hidden in a record is hidden here. */
  readonly inserted: readonly InsertedSample[]
  readonly updated: readonly UpdatedSample[]
  readonly deleted: {readonly count: number; readonly keys: readonly string[]}
  /** Somebody changed the streams, or other rows among them, while they were compared. */
  readonly moved: {readonly runId: string | undefined} | undefined
}

export interface ChangedPath {
  /** It is written in the way of RFC 6901. */
  readonly path: string
  readonly records: number
}

export interface UpdatedSample {
  readonly idemKey: string
  readonly lastSeen: Date
  /** What is hidden in a record is hidden here. */
  readonly changes: readonly JsonChange[]
}

const MOST_PATHS = 1000
const MOST_CHANGES_OF_A_SAMPLE = 100

/** Adds up what commits would change; holds a bounded number of paths and samples. */
export class DiffTally {
  readonly #samples: number
  readonly #hiddenPaths: readonly string[]
  readonly #byObjectType = new Map<string, ComparedCounts>()
  readonly #paths = new Map<string, number>()
  #changesElsewhere = 0
  readonly #inserted: InsertedSample[] = []
  readonly #updated: UpdatedSample[] = []
  readonly #deletedKeys: string[] = []
  #deleted = 0

  constructor({samples, hiddenPaths}: {readonly samples: number; readonly hiddenPaths: readonly string[]}) {
    this.#samples = samples
    this.#hiddenPaths = hiddenPaths
  }

  /** Records that would be inserted and may still be shown. */
  get insertedSamplesLeft(): number {
    return this.#samples - this.#inserted.length
  }

  /** Takes a row into account, and answers whether it is another value. */
  isChanged(row: ChangedRow): boolean {
    const changes = changesIn(row)
    if (changes === undefined) return true
    let isChanged = false
    const shown: JsonChange[] = []
    for (const change of changes) {
      isChanged = true
      this.#countPath(pointerTo(change.path))
      if (this.#updated.length < this.#samples && shown.length < MOST_CHANGES_OF_A_SAMPLE) shown.push(change)
    }
    if (shown.length > 0) {
      const {idemKey, lastSeen} = row
      this.#updated.push({
        idemKey,
        lastSeen,
        changes: shown.map((change) => hideWithin(change, this.#hiddenPaths)),
      })
    }
    return isChanged
  }

  add({counts, inserted}: Pick<Compared, 'counts' | 'inserted'>): void {
    for (const {idemKey, payload} of inserted)
      this.#inserted.push({idemKey, payload: hidePaths(payload, this.#hiddenPaths)})
    for (const [objectType, more] of counts)
      this.#byObjectType.set(objectType, sumOf([this.#byObjectType.get(objectType) ?? NOTHING, more]))
  }

  addDeleted(idemKey: string): void {
    this.#deleted += 1
    if (this.#deletedKeys.length < this.#samples) this.#deletedKeys.push(idemKey)
  }

  result(compared: Pick<Diff, 'table' | 'tableExists' | 'at' | 'moved'>): Diff {
    return {
      ...compared,
      counts: sumOf([...this.#byObjectType.values()]),
      byObjectType: this.#byObjectType,
      paths: [...this.#paths]
        .map(([path, records]) => ({path, records}))
        .toSorted((one, other) => other.records - one.records || (one.path < other.path ? -1 : 1)),
      changesElsewhere: this.#changesElsewhere,
      inserted: this.#inserted,
      updated: this.#updated,
      deleted: {count: this.#deleted, keys: this.#deletedKeys},
    }
  }

  #countPath(path: string): void {
    const records = this.#paths.get(path)
    if (records === undefined && this.#paths.size >= MOST_PATHS) this.#changesElsewhere += 1
    else this.#paths.set(path, (records ?? 0) + 1)
  }
}

const NOTHING: ComparedCounts = {insert: 0, update: 0, unchanged: 0, newer: 0, duplicate: 0}

function sumOf(all: readonly ComparedCounts[]): ComparedCounts {
  const sum = {...NOTHING}
  for (const counts of all)
    for (const [name, count] of Object.entries(counts) as [keyof ComparedCounts, number][]) sum[name] += count
  return sum
}

/** `undefined` for what is no JSON to JavaScript: it is another text, and nobody can say where. */
function changesIn({stored, staged}: ChangedRow): readonly JsonChange[] | undefined {
  try {
    return [...changesOf(stored, staged)]
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
