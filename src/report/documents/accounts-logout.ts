import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'

export const accountsLogoutDocument = document({
  logout: z
    .strictObject({
      account: z.string().describe('Name of the account.'),
      removed: z.array(z.string()).describe('Names of the secrets that were removed from this machine.'),
    })
    .describe('What the logout removed.'),
})

export type AccountsLogoutDocument = DocumentOf<typeof accountsLogoutDocument>
