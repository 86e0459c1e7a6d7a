import type {Page, SourceContext} from 'lorchestra'

import {keyBy} from './idem-key.ts'
import type {Options} from './options.ts'
import {readRows} from './rows.ts'
import {tableOf} from './table.ts'

export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const [stream] = context.streams
  if (stream === undefined) return
  const {full, page_size: pageSize} = context.options
  const table = await tableOf(context)
  keyBy(table.primaryKey, stream)
  for await (const records of readRows(context, table, {...(!full && {window: context.window}), pageSize})) {
    context.progress({listed: records.length})
    yield {records}
  }
}
