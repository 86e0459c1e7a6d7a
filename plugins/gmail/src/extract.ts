import type {JsonObject, Page, SourceContext, Stream} from 'lorchestra'

import {idemKey} from './idem-key.ts'
import {inOrder} from './in-order.ts'
import {getMessage, listMessages} from './messages.ts'
import type {Options} from './options.ts'
import {isInside, timeOf} from './slice-window.ts'

const PAGE_BYTES = 15_000_000

export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const [stream] = context.streams
  if (stream === undefined) return
  for await (const ids of listMessages(context)) {
    context.progress({listed: ids.length})
    yield* pagesOf(fetchUnknown(context, stream, ids))
  }
}

/** Mail never changes but for its labels, so a message that is stored is not fetched again. */
async function* fetchUnknown(
  context: SourceContext<Options>,
  stream: Stream,
  ids: readonly string[],
): AsyncGenerator<JsonObject, void> {
  const known = await context.known(ids.map((id) => idemKey({id}, stream)))
  const unknown = ids.filter((id) => !known.has(idemKey({id}, stream)))
  const fetched = inOrder(unknown, context.options.concurrency, async (id, signal) => ({
    id,
    message: await getMessage(context, id, signal),
  }))
  for await (const {id, message} of fetched) {
    const time = typeof message === 'string' ? undefined : timeOf(message)
    if (message === 'gone') context.progress({gone: 1})
    else if (message === 'too large') context.reject(id, 'the message is larger than one answer may be')
    else if (time === undefined) context.reject(id, 'the message has no usable internalDate')
    else if (!isInside(time, context.window)) context.progress({outside: 1})
    else yield message
  }
}

async function* pagesOf(messages: AsyncIterable<JsonObject>): AsyncGenerator<Page, void> {
  let records: JsonObject[] = []
  let bytes = 0
  for await (const message of messages) {
    const size = Buffer.byteLength(JSON.stringify(message))
    if (records.length > 0 && bytes + size > PAGE_BYTES) {
      yield {records}
      records = []
      bytes = 0
    }
    records.push(message)
    bytes += size
  }
  if (records.length > 0) yield {records}
}
