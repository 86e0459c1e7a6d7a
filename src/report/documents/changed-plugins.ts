import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

/** What `plugins install` and `plugins update` answer with. */
export const changedPluginsDocument = document({
  plugins: z
    .array(z.strictObject({name: z.string(), version: z.string(), sources: z.array(names.source)}))
    .describe('What is new, with the sources that it offers; nothing where all was there already.'),
})

export type ChangedPluginsDocument = DocumentOf<typeof changedPluginsDocument>
