import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const jobsNamesDocument = document({
  jobs: z.array(names.job).describe('The jobs of lorchestra.yaml, in its order.'),
})

export type JobsNamesDocument = DocumentOf<typeof jobsNamesDocument>
