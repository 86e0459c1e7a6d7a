import type {JsonObject, SourceContext} from 'lorchestra'

import {get} from './api.ts'
import {reasonOf} from './http-error.ts'
import type {Options} from './options.ts'
import {beginningOf} from './slice-window.ts'

/** A change says what to do about a message, after all that happened to it. */
export type Change = 'arrived' | 'relabelled' | 'deleted'

export interface Changes {
  /** The last change of each message, by its id. */
  readonly changes: ReadonlyMap<string, Change>
  /** The id at which the history stood when this was listed. */
  readonly historyId: string
  /** The token from which more history follows. */
  readonly next?: string
}

/** Gmail takes these words exactly so: the plural, which answers use, is refused. */
const HISTORY_TYPES = ['messageAdded', 'messageDeleted', 'labelAdded', 'labelRemoved']
/** The largest number of messages that are held in memory at once, by id. */
const MOST_MESSAGES = 50_000

/**
 * Tells where the history stands. A mailbox has a profile that says so; a local stand-in may have none, and then the newest
 * message does, and the history since.
 */
export async function currentBookmark(context: SourceContext<Options>): Promise<string | undefined> {
  if (context.options.sync !== 'history') return undefined
  beginningOf(context.options)
  const {status, body} = await get(context, 'profile', {allow: [404]})
  if (status !== 404) return historyIdOf(body, 'getProfile')
  const newest = await newestHistoryId(context)
  if (newest === undefined) return undefined
  const page = await listHistory(context, newest, undefined)
  return page === 'expired' ? newest : page.historyId
}

/** Answers false for a job that follows the history no more: it reads windows again. */
export async function canResume(context: SourceContext<Options>): Promise<boolean> {
  const {options, bookmark, log} = context
  if (options.sync !== 'history' || typeof bookmark !== 'string') return false
  if ((await listHistory(context, bookmark, undefined)) !== 'expired') return true
  log.warn(
    "Gmail no longer has the history since the last run (it is kept for about a week), so that run's window is read " +
      'instead. Deletions and label changes of that time are not seen; --full --refetch reads all labels anew',
  )
  return false
}

async function newestHistoryId(context: SourceContext<Options>): Promise<string | undefined> {
  const query = {maxResults: 1, includeSpamTrash: true}
  const {body} = await get(context, 'messages', {query, units: context.options.units_per_list})
  const [newest] = (body['messages'] ?? []) as readonly {readonly id?: unknown}[]
  if (typeof newest?.id !== 'string') return undefined
  const message = await get(context, `messages/${encodeURIComponent(newest.id)}`, {
    query: {format: 'minimal'},
    units: context.options.units_per_get,
  })
  return historyIdOf(message.body, 'messages.get')
}

/**
 * Yields all that happened since, in parts: a part ends with the history or once it holds very many messages. `expired`: Gmail
 * has forgotten that far back.
 */
export async function* changesSince(
  context: SourceContext<Options>,
  startHistoryId: string,
): AsyncGenerator<Changes | 'expired', void> {
  for (let start: string | undefined = startHistoryId; start !== undefined;) {
    const part: Changes | 'expired' = await gather(context, start)
    yield part
    start = part === 'expired' ? undefined : part.next
  }
}

async function gather(context: SourceContext<Options>, start: string): Promise<Changes | 'expired'> {
  const changes = new Map<string, Change>()
  const seen = new Set<string>()
  let historyId: string | undefined
  for (let pageToken: string | undefined; ;) {
    const page = await listHistory(context, start, pageToken)
    if (page === 'expired') return page
    // Of the first page: what happens while the others are listed is read again rather than missed.
    historyId ??= page.historyId
    for (const record of page.records) note(record, changes, context.options)
    pageToken = page.nextPageToken
    if (pageToken === undefined) return {changes, historyId}
    if (seen.has(pageToken))
      throw new Error('Gmail gave the same page of the history twice. Run the same command again')
    seen.add(pageToken)
    const last = page.records.at(-1)?.id
    // Fetching so many takes hours, and nobody says how long a page token lives.
    if (changes.size >= MOST_MESSAGES && typeof last === 'string' && last !== start)
      return {changes, historyId, next: last}
  }
}

interface HistoryPage {
  readonly records: readonly HistoryRecord[]
  readonly historyId: string
  readonly nextPageToken?: string
}

interface HistoryRecord {
  readonly id?: unknown
  readonly messagesAdded?: readonly HistoryEntry[]
  readonly messagesDeleted?: readonly HistoryEntry[]
  readonly labelsAdded?: readonly HistoryEntry[]
  readonly labelsRemoved?: readonly HistoryEntry[]
}

interface HistoryEntry {
  readonly message?: {readonly id?: unknown}
  readonly labelIds?: readonly string[]
}

async function listHistory(
  context: SourceContext<Options>,
  startHistoryId: string,
  pageToken: string | undefined,
): Promise<HistoryPage | 'expired'> {
  const {status, body} = await get(context, 'history', {
    query: {startHistoryId, historyTypes: HISTORY_TYPES, maxResults: 500, pageToken},
    allow: [404],
    units: context.options.units_per_history,
  })
  if (status === 404) {
    if (reasonOf(body) === 'notFound') return 'expired'
    throw new Error('history.list answered 404, but not as Gmail does; check that api_url is the Gmail API')
  }
  const {history: records = [], nextPageToken} = body
  if (!Array.isArray(records)) throw misshapen('history.list', 'a history that is no list')
  if (nextPageToken !== undefined && (typeof nextPageToken !== 'string' || nextPageToken === ''))
    throw misshapen('history.list', 'an odd nextPageToken')
  return {
    records: records as readonly HistoryRecord[],
    historyId: historyIdOf(body, 'history.list'),
    ...(nextPageToken !== undefined && {nextPageToken}),
  }
}

function note(record: HistoryRecord, changes: Map<string, Change>, {include_spam_trash: wantsAll}: Options): void {
  const {messagesAdded = [], messagesDeleted = [], labelsAdded = [], labelsRemoved = []} = record
  for (const entry of messagesAdded) changes.set(idOf(entry), 'arrived')
  for (const entry of [...labelsAdded, ...labelsRemoved]) {
    const id = idOf(entry)
    if (changes.get(id) !== 'arrived') changes.set(id, 'relabelled')
  }
  // Out of spam or trash it becomes one of the messages that are read.
  for (const entry of labelsRemoved) if (!wantsAll && isHidden(entry)) changes.set(idOf(entry), 'arrived')
  for (const entry of messagesDeleted) changes.set(idOf(entry), 'deleted')
}

export const isHidden = ({labelIds}: {readonly labelIds?: unknown}): boolean =>
  Array.isArray(labelIds) && (labelIds.includes('SPAM') || labelIds.includes('TRASH'))

function idOf({message}: HistoryEntry): string {
  if (typeof message?.id === 'string' && message.id !== '') return message.id
  throw misshapen('history.list', 'a message without id')
}

/** Reads the id as a string, because a number would lose digits. */
function historyIdOf({historyId}: JsonObject, call: string): string {
  if (typeof historyId === 'string' && historyId !== '') return historyId
  throw misshapen(call, 'no historyId')
}

const misshapen = (call: string, what: string): Error =>
  new Error(`the answer of ${call} holds ${what}; check that api_url is the Gmail API`)
