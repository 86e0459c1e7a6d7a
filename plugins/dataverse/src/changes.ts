import type {JsonObject, JsonValue, Page, SourceContext, Stream} from 'lorchestra'

import {get} from './api.ts'
import {keyOf} from './idem-key.ts'
import type {Options} from './options.ts'
import {addressOf, linkIn, readPages} from './rows.ts'
import {beginningOf} from './slice-window.ts'
import {tableOf, type Table} from './table.ts'

/** An expired token is 0x80044352, with status 400; a link that the server does not know at all may be any of these. */
const REFUSED_LINK = [400, 404, 410]

/** Gives the link to all later changes, for a job that tracks them and has none, or none any more. */
export async function currentBookmark(context: SourceContext<Options>): Promise<JsonValue | undefined> {
  if (!context.options.track_changes) return undefined
  beginningOf(context.options)
  if (context.bookmark !== undefined && (await canResume(context))) return undefined
  return changeLinkNow(context, await tableOf(context))
}

// Asked once in a run: both questions of the host need it.
const resumable = new WeakMap<Options, Promise<boolean>>()

/** Tells whether Dataverse still takes the link. A job that tracks changes no more reads windows again. */
export async function canResume(context: SourceContext<Options>): Promise<boolean> {
  const {bookmark, options} = context
  if (!options.track_changes || typeof bookmark !== 'string') return false
  const answer = resumable.get(options) ?? takesLink(context, bookmark)
  resumable.set(options, answer)
  return answer
}

async function takesLink(context: SourceContext<Options>, link: string): Promise<boolean> {
  if (!isOfThisEnvironment(link, context.options)) {
    context.log.warn(
      `the link to the changes of ${context.options.entity} is of another address than url, so its rows are read by ${context.options.cursor_field}; what was deleted since the last run stays unknown`,
    )
    return false
  }
  const headers = {prefer: 'odata.maxpagesize=1'}
  const {status} = await get(context, link, {headers, allow: REFUSED_LINK, listInParts: 'value'})
  if (!REFUSED_LINK.includes(status)) return true
  const {entity, cursor_field: column} = context.options
  context.log.warn(
    `Dataverse no longer says what changed in ${entity}, so its rows are read by ${column}; what was deleted since the last run stays unknown`,
  )
  return false
}

/** An environment may move to another address, and the log keeps the link of the former. */
const isOfThisEnvironment = (link: string, {url}: Options): boolean =>
  URL.canParse(link, url) && new URL(link, url).origin === new URL(url).origin

/** Throws where a job asks for changes of a table that does not track them. */
export function assertTracksChanges({entity, track_changes: wanted}: Options, {tracksChanges}: Table): void {
  if (!wanted || tracksChanges !== false) return
  throw new Error(
    `Dataverse does not track changes of ${entity}. Turn on Track changes for it, or remove track_changes`,
  )
}

/**
 * Dataverse gives the link only behind the last row of the whole table, and later answers with the columns that were
 * asked for here. The rows themselves are dropped: they are read in windows, which can be committed one by one.
 * https://learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems
 */
async function changeLinkNow(context: SourceContext<Options>, table: Table): Promise<string> {
  const {entity, select, page_size: pageSize} = context.options
  assertTracksChanges(context.options, table)
  const first = (): string => addressOf(table.entitySet, {$select: select?.join(',')})
  let link: string | undefined
  for await (const {body} of readPages(context, {first, pageSize, prefer: ['odata.track-changes']}))
    link = linkIn(body, '@odata.deltaLink')
  if (link !== undefined) return link
  throw new Error(
    `Dataverse gave no link to the changes of ${entity}. Turn on Track changes for it, or remove track_changes`,
  )
}

/** Yields rows and deletions since the link was given, then the next link. */
export async function* readChanges(
  context: SourceContext<Options>,
  stream: Stream,
  bookmark: JsonValue,
): AsyncGenerator<Page, void> {
  if (typeof bookmark !== 'string') throw new Error('the bookmark is no link to changes; run with --full')
  const {page_size: pageSize} = context.options
  let link: string | undefined
  for await (const {body, rows} of readPages(context, {first: () => bookmark, pageSize})) {
    link = linkIn(body, '@odata.deltaLink')
    for (const changed of rows) {
      const records = changed.filter((row) => !isDeletion(row))
      context.progress({listed: records.length})
      yield {records, deleted: changed.filter(isDeletion).map((row) => keyOfDeleted(row, stream))}
    }
  }
  if (link === undefined)
    throw new Error('the changes ended without a link to the next ones. Run the same command again')
  yield {records: [], bookmark: link}
}

const isDeletion = (row: JsonObject): boolean => {
  const context = row['@odata.context']
  return typeof context === 'string' && context.endsWith('/$deletedEntity')
}

function keyOfDeleted({id}: JsonObject, stream: Stream): string {
  if (typeof id === 'string' && id !== '') return keyOf(id, stream)
  throw new Error('Dataverse told of a deleted row without its id')
}
