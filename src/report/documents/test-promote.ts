import * as z from 'zod'

import {countsMember} from './counts.ts'
import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {comparisonMember} from './test-compare.ts'

export const testPromoteDocument = document({
  job: names.job,
  promoted: z
    .strictObject({run_id: names.runId, counts: countsMember})
    .nullable()
    .describe('The run that the log tells of it, and what became of the rows; null in a dry run.'),
  changed: z
    .enum(['take', 'skip', 'refuse'])
    .describe('Rows with another value: production has taken them, kept its own, or there were none to decide on.'),
  bookmark_left: z.boolean().describe('Production goes on from a bookmark, or by windows, of its own.'),
  comparison: comparisonMember.describe('As it was before.'),
})

export type TestPromoteDocument = DocumentOf<typeof testPromoteDocument>
