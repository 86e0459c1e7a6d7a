import type {Page, SliceWindow, SourceContext} from 'lorchestra'

import {assertTracksChanges, readChanges} from './changes.ts'
import {assertHoldsTimes, isSure} from './cursor-field.ts'
import {isGuid, keyBy} from './idem-key.ts'
import {readKeys} from './keys.ts'
import type {Options} from './options.ts'
import {readPages, rowsOf} from './rows.ts'
import {assertServerIsAsFar, DAY_MS, endsInThePresent} from './slice-window.ts'
import {tableOf, type Table} from './table.ts'

export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const [stream] = context.streams
  if (stream === undefined) return
  const {bookmark, keys, window} = context
  const table = await tableOf(context)
  keyBy(table.primaryKey, stream)
  if (keys !== undefined) yield* readKeys(context, table, stream, keys)
  else if (bookmark !== undefined) yield* readChanges(context, stream, bookmark)
  else {
    // Also where nobody asks for the link, as when a job is tried.
    assertTracksChanges(context.options, table)
    yield* readWindow(context, table, context.options.track_changes ? pastTheLink(window, context.options) : window)
    yield* readUndated(context, table)
  }
}

/**
 * Changes are told from a link on, so whatever changed before it must be read, by whatever clock: a window that ends in
 * the present reaches further.
 */
function pastTheLink(window: SliceWindow, options: Options): SliceWindow {
  return endsInThePresent(window, options) ? {...window, until: new Date(window.until.getTime() + DAY_MS)} : window
}

async function* readWindow(
  context: SourceContext<Options>,
  table: Table,
  window: SliceWindow,
): AsyncGenerator<Page, void> {
  const {full, primary_key: named, entity} = context.options
  if (!full) await assertHoldsTimes(context, table)
  for await (const {rows, headers} of readPages(context, rowsOf(context, table, full ? undefined : window))) {
    if (!full) assertServerIsAsFar(context.window, headers.get('date'))
    // Where the metadata name it, a row without is a reject.
    if (named !== undefined && rows.first !== undefined && !isGuid(rows.first[named]))
      throw new Error(`${named} of ${entity} holds no GUIDs; set primary_key to the column of its ids, or leave it out`)
    for (const records of rows) {
      context.progress({listed: records.length})
      yield {records}
    }
  }
}

/**
 * Rows without the time lie in no window that has a beginning, and may have lost it since the run before. So each run reads them
 * anew, with the slice that ends in the present.
 */
async function* readUndated(context: SourceContext<Options>, table: Table): AsyncGenerator<Page, void> {
  const {options, window} = context
  const {full, cursor_field: column, entity} = options
  if (full || isSure(options) || window.since === undefined || !endsInThePresent(window, options)) return
  let count = 0
  for await (const {rows} of readPages(context, rowsOf(context, table, undefined, [`${column} eq null`])))
    for (const records of rows) {
      count += records.length
      context.progress({listed: records.length})
      yield {records}
    }
  if (count > 0) context.log.info('rows without a time are read in every run', {entity, column, count})
}
