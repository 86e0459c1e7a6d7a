import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {windowMember} from './window.ts'

export const rejectsListDocument = document({
  run_id: names.runId.nullable().describe('The run that was asked for; null: all of a job.'),
  job: names.job.nullable().describe('The job that was asked for; null: a run was.'),
  since: z
    .string()
    .nullable()
    .describe('Rejects of a job from before then were not looked for, as ISO 8601; null: all were.'),
  rejects: z
    .array(
      z.strictObject({
        run_id: names.runId,
        source_system: names.sourceSystem,
        object_type: names.objectType,
        reference: z.string().describe('How the source names the record.'),
        reason: z.string().describe('Why it was not stored.'),
        at: z.string().describe('When, as ISO 8601.'),
        open: z
          .boolean()
          .describe(
            'It was not stored since, and what it was met in was not read again as a whole; without --all, all are.',
          ),
        window: windowMember.nullable().describe('What was being read; null: not known.'),
      }),
    )
    .describe('What could not be stored, in the order in which it was met; the first 10,000.'),
})

export type RejectsListDocument = DocumentOf<typeof rejectsListDocument>
