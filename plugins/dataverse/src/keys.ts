import type {Page, SourceContext, Stream} from 'lorchestra'

import {idemKey, idOf, keyBy} from './idem-key.ts'
import type {Options} from './options.ts'
import {addressOf, readPages, rowsOf} from './rows.ts'
import {filterFor} from './slice-window.ts'
import {tableOf, type Table} from './table.ts'

/** The most that Dataverse gives. */
const KEYS_PER_PAGE = 5000
/** The address that asks for so many rows has about 4,000 characters. */
const ROWS_PER_REQUEST = 50

/** Lists all rows by their primary key alone. */
export async function* listKeys(context: SourceContext<Options>): AsyncGenerator<readonly string[], void> {
  const [stream] = context.streams
  if (stream === undefined) return
  const {options, window} = context
  const {entitySet, primaryKey} = await tableOf(context)
  keyBy(primaryKey, stream)
  const {cursor_field: column} = options
  // A row without the time may be of any.
  const since =
    options.full || window.since === undefined
      ? []
      : [`(${column} ge ${window.since.toISOString()} or ${column} eq null)`]
  const first = (_window: unknown, after?: string): string =>
    addressOf(entitySet, {
      $select: primaryKey,
      $filter: filterFor(options, undefined, [...since, ...(after === undefined ? [] : [`${primaryKey} gt ${after}`])]),
      $orderby: primaryKey,
    })
  for await (const {rows} of readPages(context, {first, pageSize: KEYS_PER_PAGE, primaryKey}))
    for (const part of rows) yield part.map((row) => idemKey(row, stream))
}

/** Reads rows that no window had: they were inserted, or committed, with a time that was long past. */
export async function* readKeys(
  context: SourceContext<Options>,
  table: Table,
  stream: Stream,
  keys: readonly string[],
): AsyncGenerator<Page, void> {
  for (let from = 0; from < keys.length; from += ROWS_PER_REQUEST) {
    const ids = keys.slice(from, from + ROWS_PER_REQUEST).map((key) => idOf(key, stream))
    const wanted = `(${ids.map((id) => `${table.primaryKey} eq ${id}`).join(' or ')})`
    let gone = ids.length
    for await (const {rows} of readPages(context, rowsOf(context, table, undefined, [wanted])))
      for (const records of rows) {
        gone -= records.length
        yield {records}
      }
    if (gone > 0) context.progress({gone})
  }
}
