import type {JsonObject, Page, SourceContext, Stream} from 'lorchestra'

import {fetchMessages} from './fetch-messages.ts'
import {changesSince, isHidden} from './history.ts'
import {idemKey} from './idem-key.ts'
import type {Options} from './options.ts'
import {timeOf} from './slice-window.ts'

const DELETIONS_PER_PAGE = 1000

/**
 * Reads what the history says since `startHistoryId`: new messages, stored ones whose labels changed, and deletions of
 * stored ones. A stored message that goes to spam or trash is read once more, with that label.
 */
export async function* readChanges(
  context: SourceContext<Options>,
  stream: Stream,
  startHistoryId: string,
): AsyncGenerator<Page, void> {
  const keyOf = (id: string): string => idemKey({id}, stream)
  let bookmark: string | undefined
  for await (const part of changesSince(context, startHistoryId)) {
    if (part === 'expired')
      throw new Error('Gmail has just forgotten the history. Run the same command again; it reads the window instead')
    bookmark ??= part.historyId
    const stored = await context.stored([...part.changes.keys()].map(keyOf))
    const [wanted, deleted]: [string[], string[]] = [[], []]
    for (const [id, change] of part.changes) {
      const isStored = stored.has(keyOf(id))
      if (change === 'deleted') deleted.push(...(isStored ? [keyOf(id)] : []))
      else if (change === 'arrived' || isStored) wanted.push(id)
    }
    context.progress({listed: wanted.length})
    yield* fetchMessages(
      context,
      wanted,
      (message) => stored.has(idemKey(message, stream)) || isNewlyWanted(message, context),
    )
    for (let from = 0; from < deleted.length; from += DELETIONS_PER_PAGE)
      yield {records: [], deleted: deleted.slice(from, from + DELETIONS_PER_PAGE)}
  }
  if (bookmark !== undefined) yield {records: [], bookmark}
}

/** Old mail can arrive as well: it may be imported. */
export const isNewlyWanted = (
  message: JsonObject,
  {options, start}: Pick<SourceContext<Options>, 'options' | 'start'>,
): boolean =>
  (options.include_spam_trash || !isHidden(message)) &&
  (start === undefined || (timeOf(message) ?? NaN) >= start.getTime())
