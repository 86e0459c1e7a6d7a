import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const jobsExploreDocument = document({
  job: names.job,
  found: z.array(z.string()).describe('Lines of text: what was asked, what came, and the options that would read it.'),
})

export type JobsExploreDocument = DocumentOf<typeof jobsExploreDocument>
