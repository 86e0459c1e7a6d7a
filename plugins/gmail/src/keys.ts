import type {Page, SourceContext, Stream} from 'lorchestra'

import {isNewlyWanted} from './changes.ts'
import {fetchMessages} from './fetch-messages.ts'
import {idemKey, idOf} from './idem-key.ts'
import {listMessages} from './messages.ts'
import type {Options} from './options.ts'

/** Lists the whole mailbox, as far as it is selected: 500 messages for a quarter of what one message costs. */
export async function* listKeys(context: SourceContext<Options>): AsyncGenerator<readonly string[], void> {
  const [stream] = context.streams
  if (stream === undefined) return
  const {since} = context.window
  for await (const ids of listMessages(context, since === undefined ? {} : {since}))
    yield ids.map((id) => idemKey({id}, stream))
}

/** Reads messages that no window had: they came out of spam, or were imported with an old date. */
export const readKeys = (
  context: SourceContext<Options>,
  stream: Stream,
  keys: readonly string[],
): AsyncGenerator<Page, void> =>
  fetchMessages(
    context,
    keys.map((key) => idOf(key, stream)),
    (message) => isNewlyWanted(message, context),
  )
