import type {Page, SliceWindow, SourceContext, Stream} from 'lorchestra'

import {readChanges} from './changes.ts'
import {fetchMessages} from './fetch-messages.ts'
import {idemKey} from './idem-key.ts'
import {readKeys} from './keys.ts'
import {listMessages} from './messages.ts'
import type {Options} from './options.ts'
import {isInside, timeOf, timesOf} from './slice-window.ts'

export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const [stream] = context.streams
  if (stream === undefined) return
  const {bookmark, keys, window, options} = context
  if (keys !== undefined) yield* readKeys(context, stream, keys)
  else if (options.sync === 'history' && typeof bookmark === 'string') yield* readChanges(context, stream, bookmark)
  else {
    const times = timesOf(window, options)
    yield* fetchMessages(context, listUnknown(context, stream, times), (message) =>
      times.some((time) => isInside(timeOf(message) ?? NaN, time)),
    )
  }
}

/** Mail never changes but for its labels, so a message that is stored is not fetched again. */
async function* listUnknown(
  context: SourceContext<Options>,
  stream: Stream,
  times: readonly Partial<SliceWindow>[],
): AsyncGenerator<string, void> {
  for (const time of times)
    for await (const ids of listMessages(context, time)) {
      context.progress({listed: ids.length})
      if (ids.length === 0) continue
      const known = await context.known(ids.map((id) => idemKey({id}, stream)))
      for (const id of ids) if (!known.has(idemKey({id}, stream))) yield id
    }
}
