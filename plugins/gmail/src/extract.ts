import type {Page, SourceContext, Stream} from 'lorchestra'

import {readChanges} from './changes.ts'
import {fetchMessages} from './fetch-messages.ts'
import {idemKey} from './idem-key.ts'
import {listMessages} from './messages.ts'
import type {Options} from './options.ts'
import {isInside, timeOf} from './slice-window.ts'

export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const [stream] = context.streams
  if (stream === undefined) return
  const {bookmark, window, options} = context
  if (options.sync === 'history' && typeof bookmark === 'string') yield* readChanges(context, stream, bookmark)
  else
    yield* fetchMessages(context, listUnknown(context, stream), (message) => isInside(timeOf(message) ?? NaN, window))
}

/** Mail never changes but for its labels, so a message that is stored is not fetched again. */
async function* listUnknown(context: SourceContext<Options>, stream: Stream): AsyncGenerator<string, void> {
  for await (const ids of listMessages(context)) {
    context.progress({listed: ids.length})
    const known = await context.known(ids.map((id) => idemKey({id}, stream)))
    for (const id of ids) if (!known.has(idemKey({id}, stream))) yield id
  }
}
