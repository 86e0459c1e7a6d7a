import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'
import {windowMember} from './window.ts'

const bytes = z.int().nonnegative().nullable()

export const tableSetMember = z
  .strictObject({
    bytes: bytes.describe('Of the file that holds all tables; null where there is none.'),
    tables: z
      .array(
        z.strictObject({
          name: z.string().describe('Name of the table.'),
          exists: z.boolean().describe('false: nothing has made it yet.'),
          rows: z.int().nonnegative().nullable().describe('null: the warehouse does not tell.'),
          bytes: bytes.describe('null: the warehouse does not tell.'),
          partitioned_by: z.string().nullable().describe('The column by which it is cut into partitions.'),
          clustered_by: z.array(z.string()).nullable().describe('The columns by which it is sorted.'),
        }),
      )
      .describe('event_log and raw_objects, by the names that they have here.'),
    streams: z
      .array(
        z.strictObject({
          job: names.job,
          account: names.account,
          source_system: names.sourceSystem,
          object_type: names.objectType,
          selection: z.string().describe('Hash of the options that select records.'),
          covered: z.array(windowMember).describe('Oldest first; between two of them there is a gap.'),
          last_commit: instant.describe('When it was last written.'),
        }),
      )
      .describe('What has been read, one element a stream and selection.'),
  })
  .meta({id: 'table_set', description: 'Two tables, and how far each stream is covered in them.'})

export const warehouseShowDocument = document({
  warehouse: names.warehouse,
  production: tableSetMember,
  test_table: tableSetMember,
})

export type TableSetMember = DocumentOf<typeof tableSetMember>
export type WarehouseShowDocument = DocumentOf<typeof warehouseShowDocument>
