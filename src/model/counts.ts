/** Counts what became of the records that a source listed; each number is a number of records. */
export interface Counts {
  listed: number
  extracted: number
  inserted: number
  updated: number
  unchanged: number
  duplicates: number
  known: number
  outside: number
  gone: number
  rejected: number
  deleted: number
}

export const noCounts = (): Counts => ({
  listed: 0,
  extracted: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  duplicates: 0,
  known: 0,
  outside: 0,
  gone: 0,
  rejected: 0,
  deleted: 0,
})

export function addCounts(total: Counts, more: Partial<Counts>): void {
  for (const [name, count] of Object.entries(more) as [keyof Counts, number][]) total[name] += count
}

/** Keeps the counts of each object type. */
export class StreamCounts {
  readonly #byType: ReadonlyMap<string, Counts>

  constructor(objectTypes: readonly string[]) {
    this.#byType = new Map(objectTypes.map((objectType) => [objectType, noCounts()]))
  }

  of(objectType: string): Counts {
    const counts = this.#byType.get(objectType)
    if (counts === undefined) throw new Error(`no stream of object type ${objectType} is being read`)
    return counts
  }

  addAll(more: StreamCounts): void {
    for (const [objectType, counts] of this.#byType) addCounts(counts, more.of(objectType))
  }

  clear(): void {
    for (const counts of this.#byType.values()) Object.assign(counts, noCounts())
  }

  total(): Counts {
    const total = noCounts()
    for (const counts of this.#byType.values()) addCounts(total, counts)
    return total
  }
}
