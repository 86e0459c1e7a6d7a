import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {streamMembers} from './source.ts'
import {tablesMember} from './tables.ts'

const options = z.record(z.string(), z.unknown())

export const jobsShowDocument = document({
  job: z
    .strictObject({
      job: names.job,
      config: z.string().describe('Path of lorchestra.yaml.'),
      source: names.source,
      summary: z.string().describe('What the source says of itself.'),
      account: names.account,
      source_system: names.sourceSystem,
      settings: z
        .record(z.string(), z.union([z.string(), z.number()]))
        .describe('start, overlap, slice, settle and max_rejects, with the defaults that apply.'),
      mask: z.array(z.string()).describe('Paths into payloads that samples do not show; those of account and job.'),
      allow: z.array(z.string()).describe('What its source may do outside of its box, such as spawn.'),
      options: options.describe("The source's own options; secrets are hidden."),
      streams: streamMembers.nullable().describe('What it reads; null while variables are missing.'),
      selection: options.nullable().describe('The options that select records; null while variables are missing.'),
      selection_hash: z.string().nullable().describe('Coverage belongs to it; null while variables are missing.'),
      warehouse: z.record(z.string(), z.string()).describe('Settings of the warehouse, as lorchestra.yaml names them.'),
      tables: z
        .record(z.string(), tablesMember)
        .describe('What a run writes, by its mode: production, test_table. A mode that writes nothing is left out.'),
      missing_variables: z.array(z.string()).describe('Environment variables that are not set or empty.'),
      advice: z.string().optional().describe('What to do about missing variables.'),
    })
    .describe('A job, as a run would read it.'),
})

export type JobsShowDocument = DocumentOf<typeof jobsShowDocument>
export type JobDescription = JobsShowDocument['job']
