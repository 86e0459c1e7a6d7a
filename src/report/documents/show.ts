import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'

const run = names.runId.nullable()

export const showDocument = document({
  warehouse: names.warehouse,
  table: z.string().describe('The table of records that was looked into.'),
  idem_key: z.string().describe('The key of its row.'),
  source_system: names.sourceSystem,
  object_type: names.objectType,
  external_id: z.string().nullable().describe('How the source names the record.'),
  first_seen: instant.describe('When the run began that stored it first.'),
  first_run: run.describe('That run, or the one that promoted it or applied its plan; null: the log does not know it.'),
  last_seen: instant.describe('When the run began that last read it and moved this.'),
  last_run: run.describe('That run, or the one that promoted it or applied its plan; null: the log does not know it.'),
  payload: z.record(z.string(), z.unknown()).describe('The record; its numbers have all of their digits.'),
  events: z
    .array(
      z.strictObject({
        at: instant.describe('When it was written.'),
        event_type: z.string().describe('What happened, such as record.rejected or object.deleted.'),
        run_id: names.runId,
        error_message: z.string().nullable().describe('Why a record was rejected.'),
      }),
    )
    .describe('What the event log says of this key, oldest first.'),
})

export type ShowDocument = DocumentOf<typeof showDocument>
