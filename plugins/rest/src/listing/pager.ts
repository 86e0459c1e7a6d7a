import type {JsonObject, JsonValue} from 'lorchestra'

import type {Pages} from '../options/pages.ts'
import {membersOf, textOf, valueAt} from '../value-at.ts'
import {nextIn} from './link-header.ts'
import {signOfMore} from './sign-of-more.ts'

/** What is asked for: the first page, or one that another led to. */
export interface Turn {
  /** Address that an answer named; else the path of the stream. */
  readonly address?: string
  readonly params: Readonly<Record<string, string | number>>
  /** The same for the same page: one that was met before is a circle. */
  readonly mark?: string
  /** How many of its records were on the page before, so that a list that moves shows. */
  readonly overlap?: number
}

/** What is known of a page once all of its records were taken. */
export interface PageFacts {
  /** 0 is the first one. */
  readonly index: number
  readonly headers: Headers
  readonly body: JsonValue
  /** Records on the page, and on all pages so far. */
  readonly count: number
  readonly received: number
  readonly last: JsonObject | undefined
  /** Whether a page before this one was as full as it was asked to be. */
  readonly wasFull: boolean
}

export interface Pager {
  readonly first: Turn
  /** Gives the next page to ask for; `undefined` where this is known to be the last. Throws where it cannot tell. */
  next(page: PageFacts): Turn | undefined
}

/** So many records are what a page holds in many services, and hardly ever by chance. */
const FULL = new Set([20, 25, 30, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000])

export function pagerFor(pages: Pages | undefined, from?: string): Pager {
  const size = pages === undefined || !('size' in pages) ? undefined : pages.size
  const sized: Turn['params'] =
    pages !== undefined && 'size_param' in pages && pages.size_param !== undefined && size !== undefined
      ? {[pages.size_param]: size}
      : {}
  if (pages === undefined) return {first: {params: {}}, next: endOfUnsaid}
  switch (pages.by) {
    case 'none':
      return {first: {params: {}}, next: () => undefined}
    case 'link':
      return {
        first: {params: sized},
        next: ({headers, ...page}) => {
          const address = nextIn(headers.get('link'))
          if (address === undefined && headers.get('link') === null) assertNotFull(pages, page, 'in a header Link')
          return address === undefined ? undefined : {address, params: {}, mark: address}
        },
      }
    case 'next':
      return {
        first: {params: sized},
        next: (page) => {
          if (isOver(pages, page.body)) return undefined
          const value = valueAt(page.body, pages.path)
          if (value === undefined) assertNotFull(pages, page, `at ${pages.path}`)
          if (isEnd(value) && pages.end === undefined) return undefined
          if (typeof value !== 'string' || value === '')
            throw new Error(`what is at ${pages.path} is no address; ${membersOf(page.body)}`)
          return {address: value, params: {}, mark: value}
        },
      }
    case 'cursor':
      return {
        first: {params: {...sized, ...(from !== undefined && {[pages.param]: from})}},
        next: (page) => nextCursor(pages, sized, page),
      }
    case 'page':
      return {
        first: {params: {...sized, [pages.param]: pages.start}},
        next: ({index, body, count, wasFull}) => {
          const following = {params: {...sized, [pages.param]: pages.start + index + 1}}
          if (pages.total_pages !== undefined)
            return index + 1 < numberAt(body, pages.total_pages) ? following : undefined
          return count === 0 || isShort(pages, count, wasFull) ? undefined : following
        },
      }
    case 'offset':
      return {
        first: {params: {...sized, [pages.param]: pages.start}},
        next: ({count, received, wasFull}) => {
          if (count === 0 || isShort(pages, count, wasFull)) return undefined
          // The last record is asked for again: where another stands in its place, the list has moved.
          return {params: {...sized, [pages.param]: pages.start + received - 1}, overlap: 1}
        },
      }
  }
}

function nextCursor(pages: Extract<Pages, {by: 'cursor'}>, sized: Turn['params'], page: PageFacts): Turn | undefined {
  const {path, last, param, more, end} = pages
  const says = more === undefined ? undefined : saidAt(page.body, more)
  if (says === false || isOver(pages, page.body)) return undefined
  if (path === undefined && page.count === 0 && says === undefined) return undefined
  const value = path === undefined ? valueAt(page.last, last ?? '') : valueAt(page.body, path)
  if (path !== undefined && value === undefined && says === undefined && end === undefined)
    assertNotFull(pages, page, `at ${path}`)
  // No list goes on where it began, so that a 0 is said of its end.
  const isOut = isEnd(value) || textOf(value) === '0'
  const cursor = isOut ? undefined : textOf(value)
  if (cursor !== undefined) return {params: {...sized, [param]: cursor}, mark: cursor}
  if (says === true || end !== undefined)
    throw new Error(`${more ?? end ?? ''} says that there are more, but there is no cursor; ${membersOf(page.body)}`)
  if (path !== undefined && isOut) return undefined
  throw new Error(
    path === undefined
      ? `the last record of a page holds no text or number at ${last ?? ''}, so that the next page cannot be asked for`
      : `what is at ${path} is neither a text nor a number; ${membersOf(page.body)}`,
  )
}

const isOver = ({end}: {readonly end?: string | undefined}, body: JsonValue): boolean =>
  end !== undefined && saidAt(body, end)

/** What says so must be there: a wrong path would end a list too early. */
function saidAt(body: JsonValue, path: string): boolean {
  const says = valueAt(body, path)
  if (typeof says === 'boolean') return says
  if (says === 'true' || says === 1) return true
  if (says === 'false' || says === 0) return false
  throw new Error(`what is at ${path} is neither true nor false; ${membersOf(body)}`)
}

const isEnd = (value: JsonValue | undefined): boolean =>
  value === undefined || value === null || value === '' || value === false

/** A page is known to be short only once the service has filled one: it may not give as many as it is asked for. */
const isShort = (
  {fills, size}: {readonly fills: boolean; readonly size?: number | undefined},
  count: number,
  wasFull: boolean,
): boolean => fills && wasFull && count < (size ?? 0)

function numberAt(body: JsonValue, path: string): number {
  const number = Number(textOf(valueAt(body, path)))
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new Error(`there is no number at ${path}; ${membersOf(body)}`)
}

/** A wrong path would make the first page look like the only one. */
function assertNotFull(
  {missing_ends, size}: {readonly missing_ends: boolean; readonly size?: number | undefined},
  {index, count, body}: Pick<PageFacts, 'index' | 'count' | 'body'>,
  where: string,
): void {
  if (missing_ends || index > 0 || !(size === undefined ? FULL.has(count) : count >= size)) return
  throw new Error(
    `the first page is full, with ${count} records, and nothing ${where} says whether there are more; ${membersOf(body)}. Correct pages, or say missing_ends: true there if a last page says nothing`,
  )
}

/** Where the job does not say how pages follow each other, there must be only one. */
function endOfUnsaid({headers, body, count}: PageFacts): undefined {
  const sign = signOfMore(headers, body)
  if (sign !== undefined) throw new Error(`there are more pages, says ${sign.where}. Set ${sign.setting}`)
  if (FULL.has(count))
    throw new Error(
      `${count} records came, as many as a page often holds, and pages is not set. Say how the next page is asked for, or pages: {by: none} if these are all; ${membersOf(body)}`,
    )
}
