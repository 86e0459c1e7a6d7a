import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {pastRunMember} from './past-run.ts'

export const testListDocument = document({
  tables: z
    .array(
      z.strictObject({
        name: z.string().describe('Name of the table.'),
        exists: z.boolean().describe('false: no test run has made it.'),
        rows: z.int().nonnegative().nullable().describe('null: the warehouse does not tell.'),
      }),
    )
    .describe('The test tables.'),
  runs: z.array(pastRunMember).describe('The runs that wrote them, newest first.'),
})

export type TestListDocument = DocumentOf<typeof testListDocument>
