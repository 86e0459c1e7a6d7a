import {writeFile} from 'node:fs/promises'

import * as z from 'zod'

import {fileSchema} from '../src/config/file-schema.ts'
import {warehouseSchema, type SettingsKind} from '../src/config/warehouse-settings.ts'
import {NAME} from '../src/model/name.ts'
import {WAREHOUSE_KINDS} from '../src/warehouse/kinds.ts'

const VARIABLE = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/

/** Editors get the shape of lorchestra.yaml from the schema that the program itself reads with. */
const [first, ...others] = WAREHOUSE_KINDS
const warehouses = await warehouseSchema([withFallbacks(first), ...others.map(withFallbacks)])
const warehouse = warehouses.nullish().meta(fileSchema.shape.warehouse.meta() ?? {})
const schema = z.toJSONSchema(fileSchema.extend({warehouse}), {
  io: 'input',
  unrepresentable: 'any',
  override({jsonSchema}) {
    // The program looks at a pattern when variables are resolved; names take none.
    const {pattern} = jsonSchema
    if (pattern !== undefined && pattern !== NAME.source) jsonSchema.pattern = `(?:${pattern})|${VARIABLE.source}`
  },
})
const described = {title: 'lorchestra.yaml', description: 'What lorchestra reads, and where it puts it.', ...schema}
await writeFile(new URL('../lorchestra.schema.json', import.meta.url), `${JSON.stringify(described, null, 2)}\n`)

/** What a variable of the environment may stand in for need not be in the file. */
function withFallbacks(kind: SettingsKind): SettingsKind {
  return {
    ...kind,
    async loadSettings() {
      const {keys, fallbacks, ...settings} = await kind.loadSettings()
      const optional = z.object(keys).partial(Object.fromEntries(Object.keys(fallbacks).map((key) => [key, true])))
      return {...settings, fallbacks, keys: optional.shape}
    },
  }
}
