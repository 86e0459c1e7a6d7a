import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

const rows = (text: string) => z.int().nonnegative().describe(text)
const stored = z.string().describe('Key of a stored row.')
const now = z.string().describe('Key that the installed source gives.')
const examples = <Example extends z.ZodType>(example: Example) =>
  z.array(example).describe('Up to 3 of them, in the order of their characters.')

export const replayDocument = document({
  job: names.job,
  rows: rows('Rows of production whose payload was keyed anew.'),
  sample_percent: z
    .number()
    .nullable()
    .describe('About so many percent of the rows were looked at; null: all of them.'),
  same: rows('Rows whose key is the same.'),
  other: z
    .strictObject({
      count: rows('How many there are.'),
      examples: examples(z.strictObject({stored, now})),
    })
    .describe('Rows that have another key now: a run would store their records a second time.'),
  merged: z
    .strictObject({
      rows: rows('How many there are.'),
      keys: rows('How many keys they would have.'),
      examples: z
        .array(z.strictObject({now, stored: z.array(stored).describe('Up to 3 of the rows that would have it.')}))
        .describe('Up to 3 keys, those of most rows first.'),
    })
    .describe('Rows of which several would have one key. 0 of a sample proves nothing.'),
  failed: z
    .strictObject({
      count: rows('How many there are.'),
      examples: examples(stored),
      reasons: z.array(z.string()).describe('Up to 3 different ones, in the words of the source.'),
    })
    .describe('Rows whose payload has no key: the source finds nothing in it to make one of.'),
  bytes_billed: rows('What the warehouse billed for reading the payloads.').optional(),
})

export type ReplayDocument = DocumentOf<typeof replayDocument>
