import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'
import {schemaChangeMember} from './schema.ts'

export const schemaDiffDocument = document({
  job: names.job,
  event_log: z.string().describe('The table of events that was asked.'),
  changes: z
    .array(
      z.strictObject({
        at: instant.describe('When it was logged.'),
        run_id: names.runId,
        event: z
          .enum(['changed', 'refused', 'accepted'])
          .describe('refused: a run failed before it stored such records; accepted: later ones may.'),
        source_system: names.sourceSystem,
        object_type: names.objectType,
        ...schemaChangeMember.shape,
      }),
    )
    .describe('Oldest first, without what the first run of a stream found.'),
})

export type SchemaDiffDocument = DocumentOf<typeof schemaDiffDocument>
