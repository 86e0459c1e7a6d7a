import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const jobsNamesDocument = document({jobs: z.array(names.job)})

export type JobsNamesDocument = DocumentOf<typeof jobsNamesDocument>
