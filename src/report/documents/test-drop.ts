import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'

export const testDropDocument = document({
  tables: z.array(z.string()).describe('The test tables that were there.'),
  dropped: z.array(z.string()).nullable().describe('Those that are gone; null in a dry run.'),
})

export type TestDropDocument = DocumentOf<typeof testDropDocument>
