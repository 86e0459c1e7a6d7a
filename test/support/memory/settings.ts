import * as z from 'zod'

import type {KindSettings} from '../../../src/config/warehouse-settings.ts'

export type MemorySettings = {
  readonly database: string
}

const keys = {
  database: z.string().min(1, 'a database has a name').meta({description: 'Databases of one name are one.'}),
}

export const memorySettings: KindSettings<typeof keys, MemorySettings> = {
  keys,
  fallbacks: {database: 'MEMORY_DATABASE'},
  resolve: ({database}) => ({settings: {database}}),
}
