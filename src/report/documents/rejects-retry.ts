import * as z from 'zod'

import {errorMember} from '../../base/error-document.ts'
import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {refusedRunMember, runMember} from './run.ts'

export const rejectsRetryDocument = document({
  job: names.job.nullable().describe('The job that ran; null: there was nothing to read again.'),
  rejects: z.int().nonnegative().describe('Open rejects that were met in what was read again.'),
  runs: z.array(z.union([runMember, refusedRunMember])).describe('The run that read it; none where there was nothing.'),
  error: errorMember.optional().describe('Why the command failed, where it was not its run.'),
})

export type RejectsRetryDocument = DocumentOf<typeof rejectsRetryDocument>
