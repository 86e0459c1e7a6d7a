import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const initDocument = document({
  written: z.array(z.string()).describe('Paths of the files, and of a .gitignore to which lines were added.'),
  job: names.job.describe('The job that the new lorchestra.yaml has.'),
})

export type InitDocument = DocumentOf<typeof initDocument>
