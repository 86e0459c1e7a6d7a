import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'

export const runsLogDocument = document({
  run_id: names.runId,
  path: z.string().describe('The file that the log is kept in.'),
  lines: z
    .array(
      z.strictObject({
        at: instant,
        level: z.enum(['error', 'warn', 'info']).describe('How much it matters.'),
        text: z.string().describe('What was told, secrets masked, with its fields as name=value.'),
      }),
    )
    .describe('In the order in which they were logged.'),
})

export type RunsLogDocument = DocumentOf<typeof runsLogDocument>
