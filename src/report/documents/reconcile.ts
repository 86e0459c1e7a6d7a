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
  missing: someKeys
    .nullable()
    .describe(
      'The source lists them, and they were not stored; null: the job has a start, before which it wants none.',
    ),
})

export type ReconcileDocument = DocumentOf<typeof reconcileDocument>
