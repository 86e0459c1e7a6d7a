import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'

export const doctorDocument = document({
  healthy: z.boolean().describe('Nothing failed.'),
  findings: z
    .array(
      z.strictObject({
        check: z.string().describe('What was looked at.'),
        subject: z.string().describe('Which one of its kind.'),
        status: z.enum(['ok', 'warning', 'failed']).describe('failed: a run would fail, too.'),
        found: z.string().describe('In one line for a person.'),
        next: z.string().optional().describe('What to do about it.'),
      }),
    )
    .describe('What was looked at, in that order.'),
})

export type DoctorDocument = DocumentOf<typeof doctorDocument>
