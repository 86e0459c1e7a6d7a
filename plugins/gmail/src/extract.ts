import type {Page, SourceContext, Stream} from 'lorchestra'

import {idemKey} from './idem-key.ts'
import {inOrder} from './in-order.ts'
import {getMessage, listMessages} from './messages.ts'
import type {Options} from './options.ts'
import {isInside, timeOf} from './slice-window.ts'

/** A page for each message, so that what is fetched is spooled and shown at once. */
export async function* extract(context: SourceContext<Options>): AsyncGenerator<Page, void> {
  const [stream] = context.streams
  if (stream === undefined) return
  const fetched = inOrder(listUnknown(context, stream), context.options.concurrency, async (id, signal) => ({
    id,
    message: await getMessage(context, id, signal),
  }))
  for await (const {id, message} of fetched) {
    const time = typeof message === 'string' ? undefined : timeOf(message)
    if (message === 'gone') context.progress({gone: 1})
    else if (message === 'too large') context.reject(id, tooLarge(context.options))
    else if (time === undefined) context.reject(id, 'the message has no usable internalDate')
    else if (!isInside(time, context.window)) context.progress({outside: 1})
    else yield {records: [message]}
  }
}

/** Mail never changes but for its labels, so a message that is stored is not fetched again. */
async function* listUnknown(context: SourceContext<Options>, stream: Stream): AsyncGenerator<string, void> {
  for await (const ids of listMessages(context)) {
    context.progress({listed: ids.length})
    const known = await context.known(ids.map((id) => idemKey({id}, stream)))
    for (const id of ids) if (!known.has(idemKey({id}, stream))) yield id
  }
}

const tooLarge = ({max_message_bytes: limit}: Options): string =>
  `the message is larger than ${limit} bytes as JSON; raise max_message_bytes, or leave attachments out with format: full`
