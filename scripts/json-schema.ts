import {writeFile} from 'node:fs/promises'

import * as z from 'zod'

import {fileSchema} from '../src/config/file-schema.ts'
import {warehouseSchema} from '../src/config/warehouse-settings.ts'
import {WAREHOUSE_KINDS} from '../src/warehouse/kinds.ts'

const warehouses = await warehouseSchema(WAREHOUSE_KINDS)
/** Editors get the shape of lorchestra.yaml from the schema that the program itself reads with. */
const warehouse = warehouses.optional().meta(fileSchema.shape.warehouse.meta() ?? {})
const schema = z.toJSONSchema(fileSchema.extend({warehouse}), {
  io: 'input',
  unrepresentable: 'any',
})
const described = {title: 'lorchestra.yaml', description: 'What lorchestra reads, and where it puts it.', ...schema}
await writeFile(new URL('../lorchestra.schema.json', import.meta.url), `${JSON.stringify(described, null, 2)}\n`)
