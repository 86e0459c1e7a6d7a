import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const warehouseCreateDocument = document({
  warehouse: names.warehouse,
  tables: z.array(z.strictObject({name: z.string(), created: z.boolean().describe('false: it was there already.')})),
})

export type WarehouseCreateDocument = DocumentOf<typeof warehouseCreateDocument>
