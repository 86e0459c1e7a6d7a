import type {Page, SourceContext, Stream} from 'lorchestra'

import {fetchMessages} from './fetch-messages.ts'
import {changesSince, isHidden} from './history.ts'
import {idemKey} from './idem-key.ts'
import type {Options} from './options.ts'

const DELETIONS_PER_PAGE = 1000

/**
 * Reads what the history says since `startHistoryId`: new messages, stored ones whose labels changed, and deletions of
 * stored ones. A stored message that goes to spam or trash is read once more, with that label.
 */
export async function* readChanges(
  context: SourceContext<Options>,
  stream: Stream,
  startHistoryId: string,
): AsyncGenerator<Page, 'read' | 'expired'> {
  const keyOf = (id: string): string => idemKey({id}, stream)
  let bookmark: string | undefined
  for await (const part of changesSince(context, startHistoryId)) {
    if (part === 'expired') return part
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
      (message) => context.options.include_spam_trash || !isHidden(message) || stored.has(idemKey(message, stream)),
    )
    for (let from = 0; from < deleted.length; from += DELETIONS_PER_PAGE)
      yield {records: [], deleted: deleted.slice(from, from + DELETIONS_PER_PAGE)}
  }
  if (bookmark !== undefined) yield {records: [], bookmark}
  return 'read'
}
