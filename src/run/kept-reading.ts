import {sourceBug} from '../base/errors.ts'
import type {Event} from '../model/events.ts'
import type {SpoolableRecord} from '../model/raw-object-columns.ts'
import {changesOf} from '../base/json-difference.ts'
import {pointerTo} from '../base/json-pointer.ts'
import {assertOneObject} from '../warehouse/record-lines.ts'
import type {SliceReader} from './slice.ts'

/** So many bytes of payloads are held; a reading that is to be found again ends there. */
const MOST_BYTES = 64 * 1024 * 1024

export const MOST_PATHS = 1000

export interface KeptRecord {
  /** `undefined` where nobody will compare it and there was no more room. */
  readonly json: Uint8Array | undefined
  /** Another record of the same reading has this key, and another payload. */
  readonly other?: Uint8Array
}

/** What is to be read again: `undefined` for the first reading. */
export interface Sought {
  readonly keys: ReadonlyMap<string, unknown>
  /** These are all there were, so that others are news. */
  readonly areAll: boolean
}

/** Holds what one reading yields, instead of a sink: nothing that gets here can be written. */
export class KeptReading {
  readonly records = new Map<string, KeptRecord>()
  /** Records that came again with the same key and payload. */
  duplicates = 0
  rejected = 0
  /** Records that slices which have ended gave, the rejected ones counted. */
  taken = 0
  /** The reading came to its end by itself. */
  isWhole = false
  readonly limit: number
  readonly #sought: Sought | undefined
  #bytes = 0
  #notFound: number

  constructor(limit: number, sought?: Sought) {
    this.limit = limit
    this.#sought = sought
    this.#notFound = sought?.keys.size ?? Infinity
  }

  /** No more is wanted: there is no room, or all that is sought was found and others tell nothing. */
  get isEnough(): boolean {
    if (this.taken >= this.limit) return true
    return this.#sought === undefined ? this.#bytes >= MOST_BYTES : !this.#sought.areAll && this.#notFound === 0
  }

  /** Takes the place of a sink for the reader of a slice. */
  readonly intake: SliceReader['sink'] = {
    known: () => Promise.resolve(new Set()),
    upsertObjects: (records) => {
      for (const record of records) this.#take(record)
      return Promise.resolve()
    },
    logEvent: ({event_type: type}: Event) => {
      if (type === 'record.rejected') this.rejected += 1
      return Promise.resolve()
    },
  }

  #take(record: SpoolableRecord): void {
    // A commit would find it out.
    assertOneObject(record)
    const {idemKey} = record
    // What came from the box may be part of a larger buffer, which it would keep.
    const json = new Uint8Array(record.json)
    const former = this.records.get(idemKey)
    if (former !== undefined) {
      if (former.json === undefined || changedPaths(former.json, json).length === 0) this.duplicates += 1
      else this.records.set(idemKey, {...former, other: json})
      return
    }
    const isSought = this.#sought?.keys.has(idemKey) ?? true
    if (isSought) this.#notFound -= 1
    const isKept = isSought || this.#bytes + json.byteLength <= MOST_BYTES
    if (isKept) this.#bytes += json.byteLength
    this.records.set(idemKey, {json: isKept ? json : undefined})
  }
}

/** Tells where two payloads are two values, in the way of RFC 6901, up to a number of places. */
export function changedPaths(from: Uint8Array, to: Uint8Array): readonly string[] {
  const paths: string[] = []
  if (Buffer.compare(from, to) === 0) return paths
  try {
    for (const {path} of changesOf(textOf(from), textOf(to))) {
      paths.push(pointerTo(path))
      if (paths.length >= MOST_PATHS) break
    }
  } catch (error) {
    // Its message quotes the payload.
    if (error instanceof SyntaxError) throw sourceBug('the source gave a payload that is no JSON')
    throw error
  }
  return paths
}

const textOf = (json: Uint8Array): string => Buffer.from(json).toString('utf8')
