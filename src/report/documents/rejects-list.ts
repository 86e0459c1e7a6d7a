import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const rejectsListDocument = document({
  run_id: names.runId,
  rejects: z
    .array(
      z.strictObject({
        source_system: names.sourceSystem,
        object_type: names.objectType,
        reference: z.string().describe('How the source names the record.'),
        reason: z.string().describe('Why it was not stored.'),
        at: z.string().describe('When, as ISO 8601.'),
      }),
    )
    .describe('What the run could not store, in the order in which it met it.'),
})

export type RejectsListDocument = DocumentOf<typeof rejectsListDocument>
