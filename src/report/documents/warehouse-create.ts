import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const warehouseCreateDocument = document({
  warehouse: names.warehouse,
  tables: z
    .array(
      z.strictObject({
        name: z.string().describe('Name of the table.'),
        created: z.boolean().describe('false: it was there already.'),
        added_columns: z.array(z.string()).describe('Columns that --add-columns added to it.'),
      }),
    )
    .describe('The production tables, and test tables that were given columns.'),
})

export type WarehouseCreateDocument = DocumentOf<typeof warehouseCreateDocument>
