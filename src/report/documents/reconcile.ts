import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

const count = (text: string) => z.int().nonnegative().describe(text)

const someKeys = z.strictObject({
  count: count('How many there are.'),
  keys: z.array(z.string()).describe('The first 1,000 of them, in the order of their characters.'),
})

export const reconcileDocument = document({
  job: names.job,
  listed: count('Keys that the source listed.'),
  stored: count('Keys of the same streams that production had when the listing began.'),
  gone: someKeys.describe('They are stored, and the source lists them no more. Their rows stay as they are.'),
  not_marked: count(
    'How many of them the event log does not call deleted since they were seen last. Where that and missing are 0, --exit-code ends with 0.',
  ),
  missing: someKeys
    .nullable()
    .describe(
      'The source lists them, and they were not stored; null: the job has a start, before which it wants none.',
    ),
  marked: z
    .strictObject({
      run_id: names.runId.nullable().describe('The run that logged it; null: a dry run, which would have.'),
      ...someKeys.shape,
    })
    .nullable()
    .describe(
      'They were gone in a second list as well, and an object.deleted event of each is in the event log now. null: without --write.',
    ),
})

export type ReconcileDocument = DocumentOf<typeof reconcileDocument>
