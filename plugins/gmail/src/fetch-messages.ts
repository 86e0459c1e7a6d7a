import type {JsonObject, Page, SourceContext} from 'lorchestra'

import {inOrder} from './in-order.ts'
import {getMessage, type TooLarge} from './messages.ts'
import type {Options} from './options.ts'
import {timeOf} from './slice-window.ts'

/**
 * Fetches what was listed and accounts for every id. Yields a page for each message, so that what is fetched is spooled and
 * shown at once.
 */
export async function* fetchMessages(
  context: SourceContext<Options>,
  ids: Iterable<string> | AsyncIterable<string>,
  isWanted: (message: JsonObject) => boolean,
): AsyncGenerator<Page, void> {
  const fetched = inOrder(ids, context.options.concurrency, async (id, signal) => ({
    id,
    message: await getMessage(context, id, signal),
  }))
  for await (const {id, message} of fetched) {
    if (message === 'gone') context.progress({gone: 1})
    else if (isTooLarge(message)) context.reject(id, reasonFor(message, context.options))
    else if (timeOf(message) === undefined) context.reject(id, 'the message has no usable internalDate')
    else if (!isWanted(message)) context.progress({outside: 1})
    else yield {records: [message]}
  }
}

const isTooLarge = (message: JsonObject | TooLarge): message is TooLarge => 'tooLarge' in message

const reasonFor = ({tooLarge: size}: TooLarge, {max_message_bytes: limit}: Options): string =>
  `the message${size === undefined ? '' : `, by Gmail's estimate ${size} bytes of mail,`} is larger than ${limit} bytes as JSON; raise max_message_bytes, or leave attachments out with format: full`
