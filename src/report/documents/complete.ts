import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'

export const completeDocument = document({
  words: z.array(z.string()).describe('Words that could stand where the last one is.'),
})

export const autocompleteFishDocument = document({
  script: z.string().describe('Text of the script.'),
})

export type CompleteDocument = DocumentOf<typeof completeDocument>
export type AutocompleteFishDocument = DocumentOf<typeof autocompleteFishDocument>
