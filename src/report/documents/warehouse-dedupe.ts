import * as z from 'zod'

import {isRunMode, RUN_MODES} from '../../model/run-mode.ts'
import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

const number = z.int().nonnegative()

export const warehouseDedupeDocument = document({
  mode: z.enum(Object.keys(RUN_MODES).filter(isRunMode)).describe('dry-run: nothing was removed.'),
  run_id: names.runId
    .nullable()
    .describe('The run that the event log tells of the removal; null in a dry run, and where nothing is too much.'),
  table: z.string().describe('The table that was looked at.'),
  streams: z
    .array(
      z.strictObject({
        source_system: names.sourceSystem,
        object_type: names.objectType,
        keys: number.describe('Keys of which rows of this stream are too many.'),
        rows: number.describe('Rows that were removed, or would be; 0: another stream holds those that are too many.'),
      }),
    )
    .describe('The streams that hold rows of keys with several rows.'),
  bytes_estimated: number
    .nullable()
    .describe(
      'What the warehouse estimated that removing them reads at most; null where nothing is billed or too much.',
    ),
  bytes_billed: number.nullable().describe('What was billed for all of it; null where nothing is billed.'),
})

export type WarehouseDedupeDocument = DocumentOf<typeof warehouseDedupeDocument>
