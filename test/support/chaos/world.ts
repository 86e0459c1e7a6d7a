import type {JsonObject} from '../../../src/source.ts'
import {Random} from '../random.ts'

const HOUR = 3_600_000
export const STEP = 24 * HOUR
export const BEGINNING = Date.UTC(2024, 0, 1)

export interface WorldSettings {
  readonly seed: number
  readonly steps: number
  readonly entriesPerStep: number
  readonly payload: 'small' | 'medium' | 'one huge'
  /** Then there are no mails, and each day changes most of what is stored. */
  readonly fewItems?: number
}

interface Entry {
  readonly at: number
  readonly kind: 'item' | 'removal' | 'mail' | 'keyless' | 'unreadable'
  readonly id: string
  /** The source yields it so often; the last one differs. */
  readonly copies: number
  readonly text: string
}

/** What a service says of a span of time: items by their last change, mails by when they came. */
export interface Reading {
  readonly item: StreamReading
  readonly mail: StreamReading
}

export interface StreamReading {
  readonly records: readonly JsonObject[]
  readonly removed: readonly string[]
  readonly unreadable: readonly string[]
}

/** A step is a day. Nothing happens in its first hour, so all runs of that hour see the world of the day before. */
export const endOfStep = (step: number): number => BEGINNING + (step + 1) * STEP

/** A service whose records come, change and go in a way that the seed alone decides. */
export class World {
  readonly #entries: readonly Entry[]

  constructor(settings: WorldSettings) {
    this.#entries = generate(settings)
  }

  read(since: number, until: number, asOf: number): Reading {
    const past = this.#entries.filter(({at}) => at < asOf)
    const newest = new Map(past.filter(isItem).map((entry) => [entry.id, entry]))
    const inside = past.filter(({at}) => since <= at && at < until)
    const current = inside.filter((entry) => !isItem(entry) || newest.get(entry.id) === entry)
    const ofKind = (...kinds: readonly Entry['kind'][]) => current.filter(({kind}) => kinds.includes(kind))
    return {
      item: {
        records: ofKind('item', 'keyless').flatMap(recordsOf),
        removed: ofKind('removal').map(({id}) => id),
        unreadable: ofKind('unreadable').map(({id}) => id),
      },
      mail: {records: ofKind('mail').flatMap(recordsOf), removed: [], unreadable: []},
    }
  }
}

const isItem = ({kind}: Entry): boolean => kind === 'item' || kind === 'removal'

function recordsOf({at, kind, id, copies, text}: Entry): readonly JsonObject[] {
  return Array.from({length: copies}, (_, copy) => ({...(kind !== 'keyless' && {id}), at, copy, text}))
}

function generate({seed, steps, entriesPerStep, payload, fewItems = Infinity}: WorldSettings): readonly Entry[] {
  const random = new Random(seed)
  const entries: Entry[] = []
  const huge = payload === 'one huge' ? random.integer(0, entriesPerStep - 1) : -1
  let items = 0
  for (let step = 0; step < steps; step += 1) {
    for (let number = 0; number < entriesPerStep; number += 1) {
      const dice = random.next()
      const known = items > 0 ? `i${random.integer(1, items)}` : undefined
      const at = BEGINNING + step * STEP + HOUR + Math.floor(random.next() * (STEP - HOUR))
      const text = step === 0 && number === huge ? 'h'.repeat(5 * 1024 * 1024) : textOf(random, payload)
      const copies = random.chance(0.05) ? 2 : 1
      const of = (kind: Entry['kind'], id: string): Entry => ({at, kind, id, copies, text})
      if (dice < 0.3 && known !== undefined) entries.push(of('item', known))
      else if (dice < 0.34 && known !== undefined) entries.push(of('removal', known))
      else if (dice < 0.36) entries.push(of('keyless', ''))
      else if (dice < 0.38) entries.push(of('unreadable', `u${step}-${number}`))
      else if (items >= fewItems && known !== undefined) entries.push(of('item', known))
      else if (dice < 0.6 && fewItems === Infinity) entries.push(of('mail', `m${step}-${number}`))
      else {
        items += 1
        entries.push(of('item', `i${items}`))
      }
    }
  }
  return entries.toSorted((one, other) => one.at - other.at)
}

const ALPHABET = ['a', 'Z', '"', '\\', '\n', '\u2028', 'é', '漢', '😀', '\u0000', "'", ' '] as const

function textOf(random: Random, payload: WorldSettings['payload']): string {
  const length = payload === 'medium' ? random.integer(1000, 20_000) : random.integer(0, 30)
  const some = Array.from({length: Math.min(length, 40)}, () => random.pick(ALPHABET)).join('')
  return some.repeat(Math.ceil(length / 40))
}
