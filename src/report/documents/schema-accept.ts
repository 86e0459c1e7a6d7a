import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {schemaChangeMember} from './schema.ts'

export const schemaAcceptDocument = document({
  job: names.job,
  event_log: z.string().describe('The table of events that was written.'),
  accepted: z
    .array(
      z.strictObject({
        run_id: names.runId.describe('correlation_id of the event that says so.'),
        source_system: names.sourceSystem,
        object_type: names.objectType,
        ...schemaChangeMember.shape,
      }),
    )
    .describe('What runs may store from now on; empty: nothing was refused that is not accepted already.'),
})

export type SchemaAcceptDocument = DocumentOf<typeof schemaAcceptDocument>
