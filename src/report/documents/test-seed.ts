import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const testSeedDocument = document({
  job: names.job,
  run_id: names.runId.nullable().describe('The run that the log of the test tables tells of it; null in a dry run.'),
  from: z.string().describe('The table that was read.'),
  to: z.string().describe('The test table.'),
  streams: z
    .array(
      z.strictObject({
        source_system: names.sourceSystem,
        object_type: names.objectType,
        rows: z.int().nonnegative().describe('Rows that were copied, or would be.'),
      }),
    )
    .describe('The streams of the job.'),
  bytes_estimated: z
    .int()
    .nonnegative()
    .nullable()
    .describe('What the warehouse estimated that copying reads; null where nothing is billed.'),
})

export type TestSeedDocument = DocumentOf<typeof testSeedDocument>
