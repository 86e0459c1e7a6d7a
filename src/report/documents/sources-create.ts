import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const sourcesCreateDocument = document({
  source: names.source,
  folder: z.string().describe('Where the plugin was written, as it was asked for.'),
  lorchestra: z.string().describe('What its package.json asks npm for.'),
  written: z.array(z.string()).describe('Paths of its files.'),
})

export type SourcesCreateDocument = DocumentOf<typeof sourcesCreateDocument>
