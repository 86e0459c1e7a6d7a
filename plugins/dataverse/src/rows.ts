import type {HttpResponse, JsonObject, SliceWindow, SourceContext} from 'lorchestra'

import {get} from './api.ts'
import {CountedLinks} from './counted-links.ts'
import {isHttpError, isTooLarge, isUnexpected, problemOf} from './http-error.ts'
import type {Options} from './options.ts'
import {PageRows} from './page-rows.ts'
import {filterFor, halves} from './slice-window.ts'
import type {Table} from './table.ts'

const PAGE_BYTES = 16_000_000
const LARGEST_ROW_BYTES = 64 * 1024 * 1024

export interface RowPage extends Pick<HttpResponse, 'headers' | 'body'> {
  readonly rows: PageRows
}

export interface Reading {
  /** Gives the address of the first page, of all or of what follows a key; asked again with a part of the window that is too large. */
  readonly first: (window: SliceWindow | undefined, after?: string) => string
  /** The window to read; left out where what is read has no time. */
  readonly window?: SliceWindow | undefined
  readonly pageSize: number
  /** The primary key, given where the rows come in its order. */
  readonly primaryKey?: string
  readonly prefer?: readonly string[]
}

/** Reads the rows of the window, or of the whole table where it has none; of these, those that `only` selects. */
export const rowsOf = (
  {options}: SourceContext<Options>,
  table: Table,
  window: SliceWindow | undefined,
  only: readonly string[] = [],
): Reading => ({
  first: (part, after) =>
    addressOf(table.entitySet, {
      $select: options.select?.join(','),
      $expand: options.expand,
      $filter: filterFor(options, part, [...only, ...(after === undefined ? [] : [`${table.primaryKey} gt ${after}`])]),
      $orderby: table.primaryKey,
    }),
  window,
  pageSize: options.page_size,
  primaryKey: table.primaryKey,
})

/** What is too large to be answered is read again in smaller parts: half the window, and in the end half the page. */
export async function* readPages(context: SourceContext<Options>, reading: Reading): AsyncGenerator<RowPage, void> {
  const {window, pageSize} = reading
  try {
    yield* followPages(context, reading)
    return
  } catch (error) {
    if (!isHttpError(error) || !(isTooLarge(error) || isUnexpected(error))) throw error
    if (pageSize === 1) throw new Error(whatASingleRowIs(isTooLarge(error), context.options), {cause: error})
  }
  const parts = window === undefined ? undefined : halves(window)
  const about = {entity: context.options.entity, until: window?.until.toISOString(), page_size: pageSize}
  context.log.info(`the answer is too large; reading ${parts === undefined ? 'smaller pages' : 'half the time'}`, about)
  for (const part of parts ?? []) yield* readPages(context, {...reading, window: part})
  if (parts === undefined) yield* readPages(context, {...reading, pageSize: Math.floor(pageSize / 2)})
}

const whatASingleRowIs = (tooLarge: boolean, {entity}: Options): string =>
  tooLarge
    ? `a single row of ${entity} is more than can be read; leave a column out with select`
    : `Dataverse answers with an unexpected error even where a single row of ${entity} is asked for. Run the same command again later; if it stays, a row may be too large: leave columns out with select`

/**
 * Asks for pages of the same size; links are followed as they are given. Rows come in the order of the primary key, because
 * an order that moves while it is read skips rows.
 * https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results
 */
async function* followPages(
  context: SourceContext<Options>,
  {first, window, pageSize, primaryKey, prefer = []}: Reading,
): AsyncGenerator<RowPage, void> {
  const headers = {prefer: [`odata.maxpagesize=${pageSize}`, ...annotations(context.options), ...prefer].join(',')}
  const maxBytes = pageSize === 1 ? LARGEST_ROW_BYTES : PAGE_BYTES
  const counted = primaryKey === undefined ? undefined : new CountedLinks(primaryKey, (key) => first(window, key))
  let next: string | undefined = first(window)
  let remembered: string | undefined
  for (let pages = 1, rememberAt = 1; next !== undefined; pages += 1) {
    const asked: string = next
    const answer = await get(context, asked, {headers, maxBytes, listInParts: 'value'})
    const rows = rowsIn(answer)
    next = counted?.linkNotFollowed(rows)
    if (next !== undefined) continue
    const link = linkIn(answer.body, '@odata.nextLink')
    yield {...answer, rows}
    rows.drop()
    next = link === undefined ? undefined : (counted?.next(link, asked, rows) ?? link)
    // Remembering one address at ever greater distances finds every circle, and keeps none of the others in memory.
    if (next !== undefined && next === remembered)
      throw new Error('Dataverse gave the same page twice. Run the same command again')
    if (pages === rememberAt) {
      remembered = next
      rememberAt *= 2
    }
  }
}

export function linkIn(body: JsonObject, name: '@odata.nextLink' | '@odata.deltaLink'): string | undefined {
  const link = body[name]
  if (link === undefined || (typeof link === 'string' && link !== '')) return link
  throw new Error(`the answer holds an odd ${name}; check that url is a Dataverse environment`)
}

export function rowsIn({body, parts}: HttpResponse): PageRows {
  if (parts === undefined)
    throw new Error('the answer holds no list of rows; check that url is a Dataverse environment')
  if (body['error'] !== undefined) {
    const {code, message} = problemOf(body)
    throw new Error(`Dataverse broke off in the middle of its answer: ${code} ${message}. Run the same command again`)
  }
  return new PageRows(parts)
}

/** Writes spaces as %20, because not every OData server takes a plus for one. */
export const addressOf = (entitySet: string, query: Readonly<Record<string, string | undefined>>): string =>
  `${entitySet}?${Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`)
    .join('&')}`

function annotations({annotations: wanted}: Options): readonly string[] {
  if (wanted === 'none') return []
  return [`odata.include-annotations="${wanted === 'all' ? '*' : 'OData.Community.Display.V1.FormattedValue'}"`]
}
