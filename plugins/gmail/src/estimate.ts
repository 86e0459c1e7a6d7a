import type {Estimate, SourceContext} from 'lorchestra'

import {idemKey} from './idem-key.ts'
import {listMessages} from './messages.ts'
import type {Options} from './options.ts'

/** Counts the messages: a list call shows 500 messages for a quarter of what one message costs; Gmail's own estimate is often wrong. */
export async function estimate(context: SourceContext<Options>): Promise<Estimate> {
  const [stream] = context.streams
  if (stream === undefined) return {records: 0, units: 0}
  let records = 0
  let pages = 0
  for await (const ids of listMessages(context)) {
    const known = await context.known(ids.map((id) => idemKey({id}, stream)))
    records += ids.length - known.size
    pages += 1
  }
  const {units_per_get: get, units_per_list: list} = context.options
  return {records, units: records * get + pages * list}
}
