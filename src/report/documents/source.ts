import * as z from 'zod'

import * as names from './names.ts'

/** Describes who offers a source. */
export const pluginMember = z
  .strictObject({
    name: z.string().describe('Name of its package.'),
    version: z.string().describe('none: its package does not say.'),
    type: z.string().describe('How it was found: core, user or link.'),
  })
  .describe('Who offers it.')

/** Describes what a job of a source reads. */
export const streamMembers = z.array(
  z.strictObject({
    object_type: names.objectType,
    windowed: z.boolean().describe('Read by time; false: every run reads all of it.'),
    misses: z.array(z.string()).describe('Records that its windows can miss, and a sweep finds: late, moved, undated.'),
  }),
)
