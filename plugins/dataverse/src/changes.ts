import type {JsonObject, JsonValue, Page, SourceContext, Stream} from 'lorchestra'

import {keyOf} from './idem-key.ts'
import type {Options} from './options.ts'
import {addressOf, linkIn, readPages} from './rows.ts'
import {tableOf, type Table} from './table.ts'

/** An expired token is 0x80044352, with status 400; a link that the server does not know at all may be any of these. */
const REFUSED_LINK = [400, 404, 410]

/** The link to all later changes, for a job that tracks them and has none yet. */
export async function mark(context: SourceContext<Options>): Promise<JsonValue | undefined> {
  if (!context.options.track_changes || context.bookmark !== undefined) return undefined
  return changeLinkNow(context, await tableOf(context))
}

/**
 * Dataverse gives the link only behind the last row of the whole table, and later answers with the columns that were
 * asked for here. The rows themselves are dropped: they are read in windows, which can be committed one by one.
 * https://learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems
 */
export async function changeLinkNow(context: SourceContext<Options>, table: Table): Promise<string> {
  const {entity, select, page_size: pageSize} = context.options
  if (table.tracksChanges === false)
    throw new Error(
      `Dataverse does not track changes of ${entity}. Turn on Track changes for it, or remove track_changes`,
    )
  const first = (): string => addressOf(table.entitySet, {$select: select?.join(',')})
  let link: string | undefined
  for await (const {body} of readPages(context, {first, pageSize, prefer: ['odata.track-changes']}))
    link = linkIn(body, '@odata.deltaLink')
  if (link !== undefined) return link
  throw new Error(
    `Dataverse gave no link to the changes of ${entity}. Turn on Track changes for it, or remove track_changes`,
  )
}

/** Rows and deletions since the link was given, then the next link; `false` where the server does not take it. */
export async function* readChanges(
  context: SourceContext<Options>,
  stream: Stream,
  bookmark: JsonValue,
): AsyncGenerator<Page, boolean> {
  if (typeof bookmark !== 'string') return false
  const {page_size: pageSize} = context.options
  let link: string | undefined
  for await (const page of readPages(context, {first: () => bookmark, pageSize, allow: REFUSED_LINK})) {
    if (REFUSED_LINK.includes(page.status)) return false
    link = linkIn(page.body, '@odata.deltaLink')
    for (const rows of page.rows) {
      const records = rows.filter((row) => !isDeletion(row))
      context.progress({listed: records.length})
      yield {records, deleted: rows.filter(isDeletion).map((row) => keyOfDeleted(row, stream))}
    }
  }
  if (link === undefined)
    throw new Error('the changes ended without a link to the next ones. Run the same command again')
  yield {records: [], bookmark: link}
  return true
}

const isDeletion = (row: JsonObject): boolean => {
  const context = row['@odata.context']
  return typeof context === 'string' && context.endsWith('/$deletedEntity')
}

function keyOfDeleted({id}: JsonObject, stream: Stream): string {
  if (typeof id === 'string' && id !== '') return keyOf(id, stream)
  throw new Error('Dataverse told of a deleted row without its id')
}
