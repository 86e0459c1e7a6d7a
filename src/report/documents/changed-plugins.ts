import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

/** `plugins install` and `plugins update` answer with this. */
export const changedPluginsDocument = document({
  plugins: z
    .array(
      z.strictObject({
        name: z.string().describe('Name of its package.'),
        version: z.string().describe('The version that is installed now.'),
        sources: z.array(names.source).describe('What it offers; nothing where it is a plugin of another kind.'),
        reads: z
          .record(z.string(), z.array(z.string()))
          .describe('What each of its sources may read beyond its own package and files that options name, by name.'),
        spawn: z
          .array(names.source)
          .describe('Those of its sources that start processes outside of their box, where an account allows that.'),
      }),
    )
    .describe('What is new; nothing where all was there already.'),
})

export type ChangedPluginsDocument = DocumentOf<typeof changedPluginsDocument>
