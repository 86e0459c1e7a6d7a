import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const accountsLoginDocument = document({
  login: z
    .strictObject({
      account: z.string().describe('Name of an account of lorchestra.yaml.'),
      source: names.source,
      stored: z.array(z.string()).describe('Names of the secrets that are now kept for the account.'),
    })
    .describe('What the login got.'),
})

export type AccountsLoginDocument = DocumentOf<typeof accountsLoginDocument>
