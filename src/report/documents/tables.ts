import * as z from 'zod'

import type {DocumentOf} from './document.ts'

export const tablesMember = z
  .strictObject({
    event_log: z.string().describe('Name of the table of events.'),
    raw_objects: z.string().describe('Name of the table of records.'),
  })
  .meta({id: 'tables', description: 'The two tables that runs write.'})

export type TablesMember = DocumentOf<typeof tablesMember>
