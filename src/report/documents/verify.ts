import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {windowMember} from './window.ts'

const records = (text: string) => z.int().nonnegative().describe(text)
const key = z.string().describe('Of a record.')
const path = z.string().describe('RFC 6901.')
const keysOf = (text: string) => z.array(key).describe(`${text} Up to 100 of them.`)

export const verifyDocument = document({
  job: names.job,
  verdict: z
    .enum(['stable', 'unstable_fields', 'keys_differ'])
    .describe('The worst of what was found; it decides the exit code.'),
  windows: z.array(windowMember).describe('What was read, each time up to the same instants.'),
  whole: z.boolean().describe('All records there were read; else the first ones.'),
  readings: z.union([z.literal(2), z.literal(3)]).describe('A third one is made where something differs.'),
  records: records('Keys of the first reading.'),
  rejected: records('Records of the first reading that cannot be stored, and were not compared.'),
  duplicates: records('Records that came again within the first reading, with the same payload.'),
  keys: z
    .strictObject({
      equal: z.boolean().describe('Every reading had the same keys, but for what a third one explains.'),
      differing: records('Keys that not all readings had.'),
      examples: keysOf('Keys that not all readings had.'),
      renamed: z
        .array(
          z.strictObject({
            from: z.string().describe('Key in the first reading.'),
            to: z.string().describe('Key in the second one.'),
          }),
        )
        .describe('The same payload under another key, looked for where keys differ.'),
      shared: keysOf('Keys that several records with other payloads have.'),
    })
    .describe('Whether the same records have the same keys.'),
  unstable: z
    .array(z.strictObject({path, records: records('Records in which it is another one each time.')}))
    .describe('Fields that are others at each reading, most frequent first.'),
  unstable_records: records('Records with such a field: reading them again updates so many rows each time.'),
  changed_meanwhile: z
    .strictObject({
      changed: z
        .array(z.strictObject({idem_key: key, paths: z.array(path).describe('Where it is another one.')}))
        .describe('Records with another payload. Up to 100 of them.'),
      gone: keysOf('Records that were gone.'),
      added: keysOf('Records that were new.'),
    })
    .describe('What became another one between the readings, and stayed so.'),
})

export type VerifyDocument = DocumentOf<typeof verifyDocument>
