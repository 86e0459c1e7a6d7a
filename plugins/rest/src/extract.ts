import type {JsonObject, JsonValue, Page, SliceWindow, SourceContext, Stream} from 'lorchestra'

import {keyOf, idOf} from './idem-key.ts'
import {listed, type ListedPart} from './listing/listing.ts'
import type {Options} from './options/shape.ts'
import {Service} from './service.ts'
import type {StreamSettings} from './settings.ts'
import {neededFor, type ReadTree} from './read-tree.ts'
import type {Lookup} from './template.ts'
import {askedTimes, firstTime, isInside, timeIn} from './times.ts'
import {isObject, textOf, valueAt} from './value-at.ts'
import {YieldedKeys} from './yielded-keys.ts'

/** The records that the one at hand belongs to, by object type. */
type Parents = Readonly<Record<string, JsonObject>>

/** Where a run goes on: within a list, or with what the service said that it begins after. */
type Bookmark = {readonly cursor: string} | {readonly changes: string}

export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const reader = new Reader(context)
  for (const tree of neededFor(reader.service.settings, context.streams)) yield* reader.read(tree, {})
}

class Reader {
  readonly service: Service
  readonly #context: SourceContext<Options>
  readonly #bookmark: Bookmark | undefined
  readonly #yielded = new YieldedKeys()

  constructor(context: SourceContext<Options>) {
    this.#context = context
    this.service = new Service(context)
    this.#bookmark = bookmarkIn(context.bookmark)
  }

  /** Reads one list, and after each part those that are read for each of its records. */
  async *read(tree: ReadTree, parents: Parents): AsyncGenerator<Page, void> {
    const {settings, window: isWindowed, stream, children} = tree
    const {changes, pages} = settings
    const window = isWindowed ? this.#context.window : undefined
    const since = this.#bookmark !== undefined && 'changes' in this.#bookmark ? this.#bookmark.changes : undefined
    const from = this.#bookmark !== undefined && 'cursor' in this.#bookmark ? this.#bookmark.cursor : undefined
    const request = {
      stream: settings,
      lookup: this.#lookup(settings, window, parents),
      params: {
        ...parametersOf(settings, window),
        ...(changes !== undefined && since !== undefined && {[changes.param]: since}),
      },
      ...(tree.isOnly && from !== undefined && {from}),
    }
    let order = new OrderCheck(settings)
    for await (const part of listed(this.#context, this.service, request)) {
      if (part.restarts === true) order = new OrderCheck(settings)
      const inside = yield* this.#take(part.records, settings, window, stream, parents)
      for (const child of children)
        for (const record of inside) yield* this.read(child, {...parents, [settings.objectType]: record})
      if (window !== undefined && order.isPast(part.records, window)) break
      if (part.end === undefined) continue
      if (changes !== undefined) yield* this.#changesAfter(part.end, settings, since, tree.isOnly)
      // A list without windows can be read on from a cursor.
      else if (tree.isOnly && part.end.cursor !== undefined && pages?.by === 'cursor' && window === undefined)
        yield {...this.#named(), records: [], bookmark: {cursor: part.end.cursor}, checkpoint: true}
    }
  }

  /** Yields the records of the window, and gives them with those that are not wanted themselves. */
  async *#take(
    all: readonly JsonObject[],
    settings: StreamSettings,
    window: SliceWindow | undefined,
    stream: Stream | undefined,
    parents: Parents,
  ): AsyncGenerator<Page, readonly JsonObject[]> {
    const {objectType, deleted: mark} = settings
    if (all.length === 0) return all
    const field = settings.window?.field
    const kept: JsonObject[] = []
    const gone: JsonObject[] = []
    let undated = 0
    for (const record of all) {
      if (window !== undefined && field !== undefined) {
        const time = timeIn(valueAt(record, field))
        if (time === undefined) {
          undated += 1
          if (stream !== undefined)
            this.#context.reject(
              idOf(record, settings.key) ?? 'a record without a key',
              `the record has no time that can be read at ${field}`,
              objectType,
            )
          continue
        }
        if (!isInside(time, window)) continue
      }
      if (mark !== undefined && isMarked(valueAt(record, mark.when), mark.is)) gone.push(record)
      else kept.push(withParentFields(record, settings, parents))
    }
    if (stream === undefined) return kept
    const outside = all.length - kept.length - gone.length - undated
    this.#context.progress({objectType, listed: all.length - gone.length, outside})
    if (kept.length > 0) yield {objectType, records: kept}
    if (mark !== undefined) this.#yielded.add(keysOf(kept, settings, stream))
    if (gone.length > 0)
      yield* this.#deletions(
        gone.map((record) => withParentFields(record, settings, parents)),
        settings,
        stream,
      )
    return kept
  }

  /** Tells of what was stored and is gone. */
  async *#deletions(
    records: readonly JsonObject[],
    settings: StreamSettings,
    stream: Stream,
  ): AsyncGenerator<Page, void> {
    const keys = keysOf(records, settings, stream)
    const stored = await this.#context.stored(keys)
    const deleted = [...new Set(keys.filter((key) => stored.has(key) || this.#yielded.mayHave(key)))]
    if (deleted.length > 0) yield {objectType: stream.objectType, records: [], deleted}
  }

  *#changesAfter(
    {body, last, isLast, cursor}: NonNullable<ListedPart['end']>,
    {changes, pages}: StreamSettings,
    before: string | undefined,
    isOnly: boolean,
  ): Generator<Page, void> {
    const {path, last: lastPath, param} = changes ?? {}
    if (!isLast) {
      // Where each page is asked for as the next run asks, a run that breaks off is gone on with from its last page.
      const isSame = pages?.by === 'cursor' && pages.path === path && pages.last === lastPath && pages.param === param
      if (isOnly && isSame && cursor !== undefined)
        yield {...this.#named(), records: [], bookmark: {changes: cursor}, checkpoint: true}
      return
    }
    const value = textOf(path === undefined ? valueAt(last, lastPath ?? '') : valueAt(body, path)) ?? before
    if (value !== undefined) yield {...this.#named(), records: [], bookmark: {changes: value}}
    // Nothing was read, so the next run begins where this one did.
    else if (last !== undefined)
      throw new Error(
        `there is no text or number at ${path ?? lastPath ?? ''}, so that the next run cannot go on from it; correct changes`,
      )
  }

  /** A list may be read for what belongs to its records alone, and its bookmark is that of those. */
  #named(): {readonly objectType?: string} {
    const [stream] = this.#context.streams
    return stream === undefined ? {} : {objectType: stream.objectType}
  }

  #lookup({window: times, for_each}: StreamSettings, window: SliceWindow | undefined, parents: Parents): Lookup {
    const {values} = this.service.settings
    const format = times?.format ?? 'iso'
    const asked = window === undefined ? undefined : askedTimes(window, format)
    return (name) => {
      if (Object.hasOwn(values, name)) return values[name]
      if (name === 'window.since') return asked?.since ?? firstTime(format)
      if (name === 'window.until') return asked?.until ?? askedTimes(this.#context.window, format).until
      const [type = '', ...path] = name.split('.')
      const parent = Object.hasOwn(parents, type) ? parents[type] : undefined
      if (parent === undefined || path.length === 0) return undefined
      const value = textOf(valueAt(parent, path.join('.')))
      if (value === undefined)
        throw new Error(`a record of ${for_each ?? type} has no text or number at ${path.join('.')}`)
      return value
    }
  }
}

function parametersOf(
  {window: given}: StreamSettings,
  window: SliceWindow | undefined,
): Readonly<Record<string, string | number>> {
  if (given === undefined || window === undefined) return {}
  const asked = askedTimes(window, given.format)
  return {
    ...(given.since !== undefined && asked.since !== undefined && {[given.since]: asked.since}),
    ...(given.until !== undefined && {[given.until]: asked.until}),
  }
}

function bookmarkIn(value: JsonValue | undefined): Bookmark | undefined {
  if (value === undefined) return undefined
  if (isObject(value) && typeof value['cursor'] === 'string') return {cursor: value['cursor']}
  if (isObject(value) && typeof value['changes'] === 'string') return {changes: value['changes']}
  throw new Error('the bookmark of an earlier run is not of this kind of job')
}

const keysOf = (records: readonly JsonObject[], {key}: StreamSettings, stream: Stream): readonly string[] =>
  records.flatMap((record) => {
    const id = idOf(record, key)
    return id === undefined ? [] : [keyOf(id, stream)]
  })

/** Any value but nothing, false and an empty text says so, where none is named. */
function isMarked(value: JsonValue | undefined, is: NonNullable<StreamSettings['deleted']>['is']): boolean {
  if (is !== undefined) return [is].flat().some((one) => one === value)
  return value !== undefined && value !== null && value !== false && value !== ''
}

function withParentFields(record: JsonObject, {parent_fields, for_each}: StreamSettings, parents: Parents): JsonObject {
  const fields = Object.entries(parent_fields)
  if (fields.length === 0) return record
  const added = fields.map(([name, path]) => {
    const value = valueAt(parents[for_each ?? ''], path)
    if (value === undefined)
      throw new Error(`a record of ${for_each ?? ''} has nothing at ${path}, which parent_fields names`)
    if (Object.hasOwn(record, name))
      throw new Error(`the service gives ${name} itself; take another name in parent_fields`)
    return [name, value] as const
  })
  return {...record, ...Object.fromEntries(added)}
}

/** Sees to it that a list is in the order that the job says, and when the rest of it is of no interest. */
class OrderCheck {
  readonly #field: string
  readonly #order: 'ascending' | 'descending' | undefined
  #last: number | undefined

  constructor({window}: StreamSettings) {
    this.#field = window?.field ?? ''
    this.#order = window?.order
  }

  isPast(records: readonly JsonObject[], {since, until}: SliceWindow): boolean {
    if (this.#order === undefined) return false
    const sign = this.#order === 'ascending' ? 1 : -1
    for (const record of records) {
      const time = timeIn(valueAt(record, this.#field))
      if (time === undefined) continue
      if (this.#last !== undefined && sign * (time - this.#last) < 0)
        throw new Error(
          `the records are not in ${this.#order} order of ${this.#field}, so the end of the window cannot be told; leave order out of window`,
        )
      this.#last = time
    }
    if (this.#last === undefined) return false
    return sign > 0 ? this.#last >= until.getTime() : since !== undefined && this.#last < since.getTime()
  }
}
