import * as z from 'zod'

import type {DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'

const rows = (text: string) => z.int().nonnegative().describe(text)

const compared = {
  insert: rows('Rows that are new.'),
  update: rows('Rows whose payload becomes another value.'),
  unchanged: rows('Rows that are stored with the same value.'),
  newer: rows('Rows that were read later than this run began, and keep their payload.'),
  duplicate: rows('Records whose key came again within one commit.'),
}

export const changedPathMember = z.strictObject({
  path: z.string().describe('RFC 6901.'),
  records: rows('Updated rows in which it changes.'),
})

/** A row that would become another one. */
export const diffSampleMember = z.union([
  z.strictObject({
    idem_key: z.string().describe('The key of its row.'),
    kind: z.literal('update').describe('Its value becomes another one.'),
    last_seen: instant,
    changes: z
      .array(
        z.strictObject({
          op: z.enum(['add', 'remove', 'replace']).describe('As RFC 6902 names it.'),
          path: z.string().describe('RFC 6901.'),
          from: z.string().optional().describe('JSON, cut after 120 characters.'),
          to: z.string().optional().describe('JSON, cut after 120 characters.'),
        }),
      )
      .describe('What is another one in it, up to 100.'),
  }),
  z.strictObject({
    idem_key: z.string().describe('The key of its row.'),
    kind: z.literal('insert').describe('It is new.'),
    payload: z.string().describe('JSON, cut after 120 characters.'),
  }),
  z.strictObject({
    idem_key: z.string().describe('The key of its row.'),
    kind: z.literal('delete').describe('It is gone at the source; its row stays.'),
  }),
])

/** What a run would change, or changed in test tables. */
export const diffMember = z
  .strictObject({
    compared: z
      .strictObject({
        table: z.string().describe('The table of records.'),
        exists: z.boolean().describe('Whether it was there.'),
        at: instant,
      })
      .describe('With what the records were compared, and when.'),
    counts: z
      .strictObject({
        ...compared,
        rejected: rows('Records that are not stored.'),
        known: rows('Records that were not fetched, because their keys are stored.'),
        delete: rows('Deletions that are logged; their rows stay.'),
      })
      .describe('Over all commits; a dry run counts what would become of them.'),
    by_object_type: z
      .array(z.strictObject({object_type: z.string().describe('Of the stream.'), ...compared}))
      .describe('The same for each object type that came.'),
    paths: z.array(changedPathMember).describe('Over all updates, most first.'),
    changes_elsewhere: rows('Changes on paths beyond the first 1,000.'),
    samples: z.array(diffSampleMember).describe('Some rows of each kind.'),
    moved: z
      .strictObject({run_id: names.runId.nullable().describe('null: whoever it was logged nothing.')})
      .nullable()
      .describe('Who changed these streams, or other rows among them, while they were compared; null: nobody.'),
  })
  .meta({id: 'diff', description: 'What a run would change, or changed in test tables.'})

export type DiffMember = DocumentOf<typeof diffMember>
