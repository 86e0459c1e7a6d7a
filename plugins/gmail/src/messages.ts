import type {JsonObject, SliceWindow, SourceContext} from 'lorchestra'

import {get} from './api.ts'
import {isHttpError, reasonOf} from './http-error.ts'
import {labelIds} from './labels.ts'
import type {Options} from './options.ts'
import {assertNotInFuture, searchFor} from './slice-window.ts'

/** Lists the ids of the time, page by page. */
export async function* listMessages(
  context: SourceContext<Options>,
  time: Partial<SliceWindow> = context.window,
): AsyncGenerator<readonly string[], void> {
  const {options, window} = context
  const search = searchFor(options, time)
  const query = {
    q: search === '' ? undefined : search,
    maxResults: 500,
    includeSpamTrash: options.include_spam_trash,
    labelIds: await labelIds(context),
  }
  const seen = new Set<string>()
  let pageToken: string | undefined
  do {
    const {headers, body} = await get(context, 'messages', {
      query: {...query, pageToken},
      units: options.units_per_list,
    })
    assertNotInFuture(window, headers)
    const next = body['nextPageToken']
    if (next !== undefined && (typeof next !== 'string' || next === '')) throw misshapen('an odd nextPageToken')
    yield idsOf(body)
    if (next !== undefined && seen.has(next))
      throw new Error('Gmail gave the same page of messages twice. Run the same command again')
    pageToken = next
    if (next !== undefined) seen.add(next)
  } while (pageToken !== undefined)
}

/** Gmail leaves `messages` out where there are none, so other marks must show that this is a list at all. */
function idsOf({messages, nextPageToken, resultSizeEstimate}: JsonObject): readonly string[] {
  if (messages === undefined && (typeof resultSizeEstimate === 'number' || nextPageToken !== undefined)) return []
  if (!Array.isArray(messages)) throw misshapen('no list of messages')
  return (messages as readonly unknown[]).map((message) => {
    const id = (message as {readonly id?: unknown} | null)?.id
    if (typeof id !== 'string' || id === '') throw misshapen('a message without id')
    return id
  })
}

const misshapen = (what: string): Error =>
  new Error(`the answer of messages.list holds ${what}; check that api_url is the Gmail API`)

/** A message that was not fetched says how many bytes of mail it takes by Gmail's estimate, where Gmail has one. */
export interface TooLarge {
  readonly tooLarge: number | undefined
}

async function sizeOf(context: SourceContext<Options>, id: string, signal: AbortSignal): Promise<number | undefined> {
  const {body} = await get(context, `messages/${encodeURIComponent(id)}`, {
    query: {format: 'minimal', fields: 'id,sizeEstimate'},
    allow: [404],
    units: context.options.units_per_get,
    signal,
  })
  const {sizeEstimate} = body
  return typeof sizeEstimate === 'number' ? sizeEstimate : undefined
}

/** Gets the whole message, or tells why there is none. */
export async function getMessage(
  context: SourceContext<Options>,
  id: string,
  signal: AbortSignal,
): Promise<JsonObject | 'gone' | TooLarge> {
  const {format, units_per_get: units, max_message_bytes: maxBytes} = context.options
  try {
    const {status, body} = await get(context, `messages/${encodeURIComponent(id)}`, {
      query: {format},
      allow: [404],
      units,
      maxBytes,
      signal,
    })
    if (status !== 404) {
      if (body['id'] === id) return body
      throw new Error(`message ${id}: the answer is not that message; check that api_url is the Gmail API`)
    }
    // Any server answers 404 to an address that it does not know; only Gmail says it so.
    if (reasonOf(body) === 'notFound') return 'gone'
  } catch (error) {
    if (isHttpError(error) && error.tooLarge === true) return {tooLarge: await sizeOf(context, id, signal)}
    throw error
  }
  throw new Error(`message ${id}: answered 404, but not as Gmail does; check that api_url is the Gmail API`)
}
