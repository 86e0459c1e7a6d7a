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
      }),
    )
    .describe('The production tables.'),
})

export type WarehouseCreateDocument = DocumentOf<typeof warehouseCreateDocument>
