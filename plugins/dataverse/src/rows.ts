import type {HttpResponse, JsonObject, SliceWindow, SourceContext} from 'lorchestra'

import {get} from './api.ts'
import {isHttpError, isTooLarge} from './http-error.ts'
import type {Options} from './options.ts'
import {assertServerIsAsFar, filterFor, halves} from './slice-window.ts'
import type {Table} from './table.ts'

const PAGE_BYTES = 16_000_000
const LARGEST_ROW_BYTES = 64 * 1024 * 1024

export interface Reading {
  /** Left out: every row of the table. */
  readonly window?: SliceWindow
  readonly pageSize: number
}

/** What is too large to be answered is read in smaller parts: half the window, and in the end half the page. */
export async function* readRows(
  context: SourceContext<Options>,
  table: Table,
  {window, pageSize}: Reading,
): AsyncGenerator<readonly JsonObject[], void> {
  try {
    const first = firstPage(context.options, table, window)
    for await (const {body, headers} of followPages(context, first, pageSize)) {
      if (window !== undefined) assertServerIsAsFar(window, headers.get('date'))
      yield rowsIn(body)
    }
    return
  } catch (error) {
    if (!isHttpError(error) || !isTooLarge(error)) throw error
    if (pageSize === 1)
      throw new Error(`a single row of ${table.entitySet} is more than can be read; leave a column out with select`, {
        cause: error,
      })
  }
  const parts = window === undefined ? undefined : halves(window)
  const about = {entity: context.options.entity, until: window?.until.toISOString(), page_size: pageSize}
  context.log.info(`the answer is too large; reading ${parts === undefined ? 'smaller pages' : 'half the time'}`, about)
  for (const part of parts ?? []) yield* readRows(context, table, {window: part, pageSize})
  if (parts === undefined)
    yield* readRows(context, table, {...(window !== undefined && {window}), pageSize: Math.floor(pageSize / 2)})
}

/**
 * The answers from `first` on, each with the same page size; links are followed as they are given. Pages are in the order
 * of the primary key, because an order that moves while it is read skips rows.
 * https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results
 */
export async function* followPages(
  context: SourceContext<Options>,
  first: string,
  pageSize: number,
  prefer: readonly string[] = [],
): AsyncGenerator<HttpResponse, void> {
  const headers = {prefer: [`odata.maxpagesize=${pageSize}`, ...annotations(context.options), ...prefer].join(',')}
  const maxBytes = pageSize === 1 ? LARGEST_ROW_BYTES : PAGE_BYTES
  let next: string | undefined = first
  let remembered: string | undefined
  for (let pages = 1, rememberAt = 1; next !== undefined; pages += 1) {
    const answer: HttpResponse = await get(context, next, {headers, maxBytes})
    yield answer
    next = linkIn(answer.body, '@odata.nextLink')
    // Remembering one link at ever greater distances finds every circle, and keeps none of the others in memory.
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

export function rowsIn({value}: JsonObject): readonly JsonObject[] {
  if (Array.isArray(value)) return value as readonly JsonObject[]
  throw new Error('the answer holds no list of rows; check that url is a Dataverse environment')
}

function firstPage(options: Options, {entitySet, primaryKey}: Table, window: SliceWindow | undefined): string {
  return addressOf(entitySet, {
    $select: options.select?.join(','),
    $expand: options.expand,
    $filter: filterFor(options, window),
    $orderby: primaryKey,
  })
}

/** Spaces as %20: not every OData server takes a plus for one. */
export const addressOf = (entitySet: string, query: Readonly<Record<string, string | undefined>>): string =>
  `${entitySet}?${Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`)
    .join('&')}`

function annotations({annotations: wanted}: Options): readonly string[] {
  if (wanted === 'none') return []
  return [`odata.include-annotations="${wanted === 'all' ? '*' : 'OData.Community.Display.V1.FormattedValue'}"`]
}
