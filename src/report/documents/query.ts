import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const queryDocument = document({
  warehouse: names.warehouse,
  columns: z
    .array(
      z.strictObject({
        name: z.string().describe('Its name in the answer; two may have the same.'),
        type: z.string().describe('What the warehouse calls its type.'),
      }),
    )
    .describe('In the order of the values of a row.'),
  rows: z
    .array(z.array(z.unknown()))
    .describe(
      'A value a column. Numbers that JSON cannot hold exactly, instants and JSON are text; lists and records are as they are.',
    ),
  more_rows: z.boolean().describe('There are more rows than --limit.'),
  bytes_billed: z.int().nonnegative().optional().describe('By a warehouse that bills.'),
})

export type QueryDocument = DocumentOf<typeof queryDocument>
