import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'
import {schemaAlways, schemaPath, schemaTypes} from './schema.ts'

export const schemaShowDocument = document({
  job: names.job,
  event_log: z.string().describe('The table of events that was asked.'),
  streams: z
    .array(
      z.strictObject({
        source_system: names.sourceSystem,
        object_type: names.objectType,
        paths: z
          .array(
            z.strictObject({
              path: schemaPath,
              types: schemaTypes.describe('The types of its values so far.'),
              always: schemaAlways,
              since: instant.describe('When the log told of it first.'),
              run_id: names.runId,
            }),
          )
          .describe('By path.'),
      }),
    )
    .describe('One element a stream that the job has read.'),
})

export type SchemaShowDocument = DocumentOf<typeof schemaShowDocument>
