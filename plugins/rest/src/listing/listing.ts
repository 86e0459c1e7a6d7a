import type {HttpResponse, JsonObject, JsonValue, SourceContext} from 'lorchestra'

import {isHttpError} from '../http-error.ts'
import {idOf} from '../idem-key.ts'
import type {Options} from '../options/shape.ts'
import type {Parameter} from '../options/stream.ts'
import type {Service} from '../service.ts'
import type {StreamSettings} from '../settings.ts'
import {filled, filledValue, type Lookup} from '../template.ts'
import {membersOf, textOf, valueAt} from '../value-at.ts'
import {pagerFor, type Turn} from './pager.ts'
import {listInParts, recordsIn} from './records-in.ts'
import {SeenMarks} from './seen-marks.ts'

/** What one list is asked for with. */
export interface ListRequest {
  readonly stream: StreamSettings
  /** What placeholders stand for. */
  readonly lookup: Lookup
  /** Parameters beside those of the stream: the window's. */
  readonly params: Readonly<Record<string, string | number>>
  /** Cursor of a checkpoint to go on from. */
  readonly from?: string
}

export interface ListedPart {
  readonly records: readonly JsonObject[]
  /** The list moved, and is read again from its beginning. */
  readonly restarts?: true
  /** The page is over with this part, which may be empty. */
  readonly end?: {
    readonly body: JsonValue
    /** Cursor of the page that follows. */
    readonly cursor?: string
    readonly isLast: boolean
    readonly last: JsonObject | undefined
  }
}

const MOST_RESTARTS = 3
/** A filter may leave nothing of a page, but hardly of so many. */
const MOST_EMPTY_PAGES = 1000

/** What was listed has moved while it was read, so that a record may have been passed over. */
class ListMoved extends Error {}

/** Gives all records of a list, page by page. One that moves while it is read is read again. Ends only where the list does. */
export async function* listed(
  context: SourceContext<Options>,
  service: Service,
  request: ListRequest,
): AsyncGenerator<ListedPart, void> {
  const {objectType} = request.stream
  for (let restarts = 0; ; restarts += 1) {
    try {
      yield* listedOnce(service, request)
      return
    } catch (error) {
      if (!(error instanceof ListMoved)) throw error
      if (restarts === MOST_RESTARTS)
        throw new Error(
          `${objectType}: ${error.message}, ${restarts + 1} times. Read less at once (slice), or when less happens`,
          {cause: error},
        )
      context.log.info('the list moved while it was read, so it is read again', {objectType})
      yield {records: [], restarts: true}
    }
  }
}

async function* listedOnce(service: Service, request: ListRequest): AsyncGenerator<ListedPart, void> {
  const {stream, from} = request
  const pager = pagerFor(stream.pages, from)
  const size = stream.pages !== undefined && 'size' in stream.pages ? stream.pages.size : undefined
  const marks = new SeenMarks()
  const totals: number[] = []
  let before: PageTaker | undefined
  let wasFull = false
  let received = 0
  let empty = 0
  for (let [turn, index]: [Turn | undefined, number] = [pager.first, 0]; turn !== undefined; index += 1) {
    const name = nameOf(stream, index)
    const answer = await askFor(service, request, turn, name)
    if (answer === undefined) {
      yield {records: [], end: {body: {}, isLast: true, last: before?.last}}
      break
    }
    const taker = new PageTaker(stream, turn.overlap ?? 0, before)
    const parts = eachWithin(name, recordsIn(answer, stream))
    for (const part of parts) {
      const records = within(name, () => taker.take(part))
      if (records.length > 0) yield {records}
    }
    if (taker.lacksOverlap) throw new ListMoved('the list moved while it was read')
    const total = within(name, () => totalIn(answer, stream))
    if (total !== undefined) totals.push(total)
    received += taker.fresh
    // What tells of changes tells of a record again that has changed again.
    if (before !== undefined && stream.changes === undefined && taker.isAgain(before)) {
      if (received - taker.fresh === totals.at(-1)) break
      throw new Error(
        `${name}: it holds the same records as the page before; the service does not heed ${askedBy(turn)}, or answers so past its end`,
      )
    }
    const facts = {
      index,
      headers: answer.headers,
      body: answer.body,
      count: taker.fresh,
      received,
      last: taker.last ?? before?.last,
      wasFull,
    }
    const next = within(name, () => pager.next(facts))
    empty = taker.count === 0 ? empty + 1 : 0
    if (next !== undefined && empty === MOST_EMPTY_PAGES)
      throw new Error(`${name}: ${empty} pages in a row hold no record, and each names a next one; correct pages`)
    if (next?.mark !== undefined && (next.mark === turn.mark || marks.meets(next.mark)))
      throw new Error(
        `${name}: it leads to a page that was read already; check pages, and that the service heeds ${askedBy(turn)}`,
      )
    const cursor =
      next !== undefined && stream.pages?.by === 'cursor' ? String(next.params[stream.pages.param]) : undefined
    yield {
      records: [],
      end: {body: answer.body, isLast: next === undefined, last: facts.last, ...(cursor !== undefined && {cursor})},
    }
    wasFull ||= size !== undefined && taker.count >= size
    before = taker
    turn = next
  }
  assertAll(stream, received, totals, from !== undefined)
}

/** Takes the records of one page, and knows the page again. */
class PageTaker {
  count = 0
  /** How many of them were not on the page before. */
  fresh = 0
  first: JsonObject | undefined
  last: JsonObject | undefined
  readonly #stream: StreamSettings
  readonly #before: {readonly first: JsonObject | undefined; readonly last: JsonObject | undefined}
  #overlap: number

  constructor(stream: StreamSettings, overlap: number, before: PageTaker | undefined) {
    this.#stream = stream
    this.#overlap = overlap
    // Not the page itself, which would hold all pages before it.
    this.#before = {first: before?.first, last: before?.last}
  }

  take(records: readonly JsonObject[]): readonly JsonObject[] {
    const [first] = records
    if (first === undefined) return records
    this.first ??= first
    this.last = records.at(-1)
    this.count += records.length
    const isFresh = this.#overlap === 0
    if (!isFresh && !this.#isSame(first, this.#before.last)) {
      if (this.#isSame(first, this.#before.first))
        throw new Error('it begins as the page before; the service does not heed the offset')
      throw new ListMoved('the list moved while it was read')
    }
    const taken = isFresh ? records : records.slice(1)
    this.#overlap = 0
    this.fresh += taken.length
    return taken
  }

  isAgain(other: PageTaker): boolean {
    if (this.fresh === 0 || this.count !== other.count || this.fresh !== other.fresh) return false
    return JSON.stringify([this.first, this.last]) === JSON.stringify([other.first, other.last])
  }

  /** Tells that nothing came where the last record of the page before must be. */
  get lacksOverlap(): boolean {
    return this.#overlap > 0
  }

  #isSame(record: JsonObject, other: JsonObject | undefined): boolean {
    if (other === undefined) return false
    const id = idOf(record, this.#stream.key)
    return id === undefined ? JSON.stringify(other) === JSON.stringify(record) : id === idOf(other, this.#stream.key)
  }
}

async function askFor(
  service: Service,
  request: ListRequest,
  turn: Turn,
  name: string,
): Promise<HttpResponse | undefined> {
  const {stream, lookup, params} = request
  const parts = listInParts(stream)
  const common = {empty: stream.empty, ...(parts !== undefined && {listInParts: parts})}
  const address = within(name, () => service.addressOf(filled(stream.path, lookup, encodeURIComponent)))
  try {
    if (turn.address !== undefined)
      return await service.ask({...common, url: service.addressOf(turn.address, address), params: {}})
    const asked = {...params, ...turn.params}
    const {changes} = stream
    const first = changes?.first !== undefined && !Object.hasOwn(asked, changes.param) ? changes.first : {}
    const own = Object.fromEntries(
      Object.entries({...stream.params, ...first}).map(([key, value]) => [key, filledParameter(value, lookup)]),
    )
    if (stream.method === 'GET') return await service.ask({...common, url: address, params: {...own, ...asked}})
    const body = Object.entries(asked).reduce<JsonValue>(
      (whole, [path, value]) => withMember(whole, path.split('.'), value),
      filledValue(stream.body ?? {}, lookup),
    )
    return await service.ask({...common, url: address, params: own, method: 'POST', json: body})
  } catch (error) {
    if (isHttpError(error) && error.isList === true)
      throw new Error(`${name}: no list at ${stream.records}; the answer itself is a list: set records: ''`, {
        cause: error,
      })
    throw explained(name, error)
  }
}

const filledParameter = (value: Parameter, lookup: Lookup): Parameter =>
  typeof value === 'string'
    ? filled(value, lookup)
    : Array.isArray(value)
      ? value.map((one) => filled(one, lookup))
      : value

/** Copies a value with one more member, at a path that may be new. */
function withMember(
  value: JsonValue | undefined,
  [name = '', ...rest]: readonly string[],
  member: JsonValue,
): JsonValue {
  const object = typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
  return {...object, [name]: rest.length === 0 ? member : withMember(object[name], rest, member)}
}

function totalIn({headers, body}: HttpResponse, {total, total_header}: StreamSettings): number | undefined {
  if (total === undefined && total_header === undefined) return undefined
  const text = total === undefined ? headers.get(total_header ?? '') : textOf(valueAt(body, total))
  const number = Number(text ?? Number.NaN)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new Error(
    total === undefined
      ? `there is no number in a header ${total_header ?? ''}`
      : `there is no number at ${total}; ${membersOf(body)}`,
  )
}

/** What came must be as much as the service says that there is. */
function assertAll(
  {objectType, pages}: StreamSettings,
  received: number,
  totals: readonly number[],
  isRest: boolean,
): void {
  const [first = 0, last = 0] = [totals[0], totals.at(-1)]
  const byPlace = pages?.by === 'page' || pages?.by === 'offset'
  // An address that the service names may count as well, and a cursor that does not is only read once more.
  const byAddress = pages?.by === 'link' || pages?.by === 'next'
  if ((byPlace && first !== last) || (byAddress && last < first && received < first))
    throw new ListMoved('the number of records changed while they were read')
  if (isRest || received >= Math.min(first, last)) return
  throw new Error(
    `${objectType}: ${received} of ${Math.min(first, last)} records came, says total. If the service only estimates it, leave total out`,
  )
}

const nameOf = ({objectType, path}: StreamSettings, index: number): string =>
  `${objectType}: page ${index + 1} of ${path}`

const askedBy = ({params, address}: Turn): string =>
  address === undefined ? Object.keys(params).join(', ') || 'its parameters' : 'the address of the next page'

/** Says of which page an error is. */
function within<Result>(name: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (error instanceof ListMoved) throw error
    throw explained(name, error)
  }
}

function* eachWithin<Item>(name: string, items: Iterable<Item>): Generator<Item, void> {
  try {
    yield* items
  } catch (error) {
    throw explained(name, error)
  }
}

const explained = (name: string, error: unknown): Error =>
  new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, {cause: error})
