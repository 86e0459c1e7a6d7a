import type {Page, SliceWindow, SourceContext} from 'lorchestra'

import {changeLinkNow, readChanges} from './changes.ts'
import {keyBy} from './idem-key.ts'
import type {Options} from './options.ts'
import {readPages, rowsOf} from './rows.ts'
import {assertServerIsAsFar} from './slice-window.ts'
import {tableOf, type Table} from './table.ts'

const DAY_MS = 86_400_000

export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const [stream] = context.streams
  if (stream === undefined) return
  const {bookmark, window} = context
  const table = await tableOf(context)
  keyBy(table.primaryKey, stream)
  if (bookmark === undefined) {
    yield* readWindow(context, table, window)
    return
  }
  const complete = yield* readChanges(context, stream, bookmark)
  if (complete) return
  context.log.warn(
    `Dataverse no longer says what changed in ${context.options.entity}, so its rows are read by ${context.options.cursor_field}; what was deleted since the last run stays unknown`,
  )
  // Changes are told from the new link on, so whatever changed before it must be read: the window reaches further.
  const link = await changeLinkNow(context, table)
  yield* readWindow(context, table, {...window, until: new Date(Date.now() + DAY_MS)})
  yield {records: [], bookmark: link}
}

async function* readWindow(
  context: SourceContext<Options>,
  table: Table,
  window: SliceWindow,
): AsyncGenerator<Page, void> {
  const {full} = context.options
  for await (const {rows, headers} of readPages(context, rowsOf(context, table, full ? undefined : window))) {
    if (!full) assertServerIsAsFar(context.window, headers.get('date'))
    for (const records of rows) {
      context.progress({listed: records.length})
      yield {records}
    }
  }
}
