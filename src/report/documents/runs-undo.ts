import * as z from 'zod'

import {isRunMode, RUN_MODES} from '../../model/run-mode.ts'
import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'

const rows = z.int().nonnegative()

export const runsUndoDocument = document({
  mode: z.enum(Object.keys(RUN_MODES).filter(isRunMode)).describe('dry-run: nothing was written.'),
  run_id: names.runId.nullable().describe('The run that took the others back; null in a dry run.'),
  undone: z
    .array(names.runId)
    .describe('The runs that were taken back, or would be, in the order in which they wrote.'),
  streams: z
    .array(
      z.strictObject({
        source_system: names.sourceSystem,
        object_type: names.objectType,
        removed: rows.describe('Rows that the runs had inserted.'),
        restored: rows.describe('Rows that hold again what they held before.'),
        left: rows.describe('Rows that the runs saw last and that stay as they are.'),
        exact: z
          .boolean()
          .describe('false: restored is the most that it can be, as not every warehouse reads payloads in a dry run.'),
      }),
    )
    .describe('One element a stream of the runs.'),
  cursor: instant
    .nullable()
    .describe('Where the next plain run goes on; null: at the start of its job, or it was a dry run.'),
})

export type RunsUndoDocument = DocumentOf<typeof runsUndoDocument>
