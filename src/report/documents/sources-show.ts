import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {pluginMember, streamMembers} from './source.ts'

const option = z.strictObject({
  option: z.string().describe('Its name; by dots within another one.'),
  type: z.string().describe('What it takes, in words.'),
  required: z.boolean().describe('An account or a job has to say it.'),
  secret: z.boolean().describe('Its value is never shown.'),
  selects: z.boolean().describe('It says which records are read: another value starts uncovered.'),
  description: z.string().optional().describe('What it means.'),
  default: z.unknown().optional().describe('What holds where it is left out.'),
  example: z.unknown().optional().describe('A value that it could have.'),
  values: z
    .array(
      z.strictObject({
        value: z.unknown().describe('The value.'),
        description: z.string().optional().describe('What it means.'),
      }),
    )
    .optional()
    .describe('The only values that it takes.'),
})

export const sourcesShowDocument = document({
  source: z
    .strictObject({
      source: names.source,
      summary: z.string().describe('What it reads, in one line.'),
      plugin: pluginMember,
      reads: z
        .array(z.string())
        .describe('What its box may read beyond its own package and the files that options name.'),
      spawn: z.boolean().describe('It starts processes outside of its box, where its account allows that.'),
      login: z.boolean().describe('A person can sign in: lorchestra accounts login.'),
      sweeps: z.boolean().describe('It can list all keys that exist, for sweep: and reconcile.'),
      defaults: z.record(z.string(), z.string()).describe('Its own defaults of settings of a job.'),
      streams: streamMembers
        .nullable()
        .describe('What a job with the examples of the options reads; null where they do not tell.'),
      options: z.array(option).nullable().describe('Its options; null where its schema does not say which there are.'),
    })
    .describe('A source and its options.'),
})

export type SourcesShowDocument = DocumentOf<typeof sourcesShowDocument>
export type SourceDescription = SourcesShowDocument['source']
