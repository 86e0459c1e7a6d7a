import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {pluginMember} from './source.ts'

export const sourceFailureMember = z
  .strictObject({
    plugin: z.string().describe('Name of the plugin, or of several with commas between them.'),
    source: names.source.optional().describe('Missing where the plugin did not get as far as naming one.'),
    message: z.string().describe('What is wrong.'),
    next: z.string().describe('What to do about it.'),
  })
  .meta({id: 'source_failure', description: "What keeps a plugin's source from being used."})

export const sourcesListDocument = document({
  sources: z
    .array(
      z.strictObject({
        source: names.source,
        summary: z.string().describe('What it reads, in one line.'),
        plugin: pluginMember,
        reads: z
          .array(z.string())
          .describe(
            'What its box may read beyond its own package and the files that options name, such as google-adc.',
          ),
        spawn: z.boolean().describe('It starts processes outside of its box, where its account allows that.'),
      }),
    )
    .describe('What jobs can read, by name.'),
  failures: z.array(sourceFailureMember).describe('What is broken, and so not among the sources.'),
})

export type SourcesListDocument = DocumentOf<typeof sourcesListDocument>
