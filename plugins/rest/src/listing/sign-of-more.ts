import type {JsonValue} from 'lorchestra'

import {valueAt} from '../value-at.ts'
import {nextIn} from './link-header.ts'

export interface SignOfMore {
  readonly where: string
  /** What would read them. */
  readonly setting: string
}

const NEXT_ADDRESSES = [
  'next',
  'links.next',
  '_links.next.href',
  '_links.next',
  'paging.next',
  'meta.next',
  'next_page_url',
  'pagination.next',
  'meta.pagination.links.next',
  '@odata.nextLink',
  'info.next',
  'nextPage',
]
const CURSORS = [
  'next_cursor',
  'nextCursor',
  'cursor.next',
  'meta.next_cursor',
  'meta.next',
  'response_metadata.next_cursor',
  'nextPageToken',
  'next_page_token',
  'pageInfo.endCursor',
  'paging.next.after',
  'pagination.next_cursor',
  'next',
]
const MORE = ['has_more', 'hasMore', 'meta.has_more', 'pageInfo.hasNextPage', 'more', 'has_next', 'pagination.has_more']

/** Finds what usually says that there is another page. */
export function signOfMore(headers: Headers, body: JsonValue): SignOfMore | undefined {
  if (nextIn(headers.get('link')) !== undefined) return {where: 'the header Link', setting: 'pages: {by: link}'}
  const at = (paths: readonly string[], fits: (value: JsonValue | undefined) => boolean): string | undefined =>
    paths.find((path) => fits(valueAt(body, path)))
  const isAddress = (value: JsonValue | undefined): boolean =>
    typeof value === 'string' && /^(?:https?:\/\/|\/|\?)./.test(value)
  const next = at(NEXT_ADDRESSES, isAddress)
  if (next !== undefined) return {where: next, setting: `pages: {by: next, path: ${next}}`}
  const more = at(MORE, (value) => value === true)
  const cursor = at(CURSORS, (value) => typeof value === 'string' && value !== '')
  if (cursor !== undefined) {
    const says = more === undefined ? '' : `, more: ${more}`
    return {where: cursor, setting: `pages: {by: cursor, path: ${cursor}, param: …${says}}`}
  }
  if (more === undefined) return undefined
  return {where: more, setting: `pages: {by: cursor, last: id, param: …, more: ${more}}`}
}
