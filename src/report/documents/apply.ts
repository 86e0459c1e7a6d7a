import * as z from 'zod'

import {countsMember} from './counts.ts'
import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {planMember} from './plan.ts'

export const applyDocument = document({
  plan: planMember.describe('What was applied.'),
  run_id: names.runId.nullable().describe('The run that the log tells of it; null in a dry run.'),
  commits: z.int().nonnegative().describe('How many it made; a dry run counts those that it compared.'),
  earlier_commits: z.int().nonnegative().describe('Those of an earlier run that did not come to the end.'),
  counts: countsMember.describe('What became of the records of its commits, or would.'),
  bytes_billed: z.int().nonnegative().optional().describe('By a warehouse that bills.'),
  duration_seconds: z.number().nonnegative().describe('How long it took.'),
})

export type ApplyDocument = DocumentOf<typeof applyDocument>
