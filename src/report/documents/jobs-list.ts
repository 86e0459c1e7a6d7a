import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {sourceFailureMember} from './sources-list.ts'

export const jobsListDocument = document({
  jobs: z
    .array(
      z.strictObject({
        job: names.job,
        source: names.source,
        account: names.account,
        source_system: names.sourceSystem,
        available: z.boolean().describe('An installed plugin offers the source.'),
      }),
    )
    .describe('The jobs of lorchestra.yaml, in its order.'),
  failures: z.array(sourceFailureMember).describe('What is broken, and may be what a job lacks.'),
})

export type JobsListDocument = DocumentOf<typeof jobsListDocument>
