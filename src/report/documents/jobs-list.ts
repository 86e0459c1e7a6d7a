import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {sourceFailureMember} from './sources-list.ts'

export const jobsListDocument = document({
  jobs: z.array(
    z.strictObject({
      job: names.job,
      source: names.source,
      account: names.account,
      source_system: names.sourceSystem,
      available: z.boolean().describe('An installed plugin offers the source.'),
    }),
  ),
  failures: z.array(sourceFailureMember),
})

export type JobsListDocument = DocumentOf<typeof jobsListDocument>
