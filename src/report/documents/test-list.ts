import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {pastRunMember} from './past-run.ts'

export const testListDocument = document({
  sets: z
    .array(
      z.strictObject({
        test_set: z.string().nullable().describe('Its name; null for the set without one.'),
        tables: z
          .array(
            z.strictObject({
              name: z.string().describe('Name of the table.'),
              exists: z.boolean().describe('false: no test run has made it, or it is gone.'),
              rows: z.int().nonnegative().nullable().describe('null: the warehouse does not tell.'),
              expires: z.iso.datetime().nullable().describe('The warehouse removes it then; null: never.'),
            }),
          )
          .describe('The test tables.'),
        runs: z.array(pastRunMember).describe('The runs that wrote them, newest first.'),
      }),
    )
    .describe('The sets of which a table is there, or the one that was asked for.'),
})

export type TestListDocument = DocumentOf<typeof testListDocument>
