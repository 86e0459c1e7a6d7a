import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const accountsListDocument = document({
  accounts: z
    .array(
      z.strictObject({
        account: z.string().describe('Name of an account of lorchestra.yaml.'),
        source: names.source,
        source_system: names.sourceSystem,
        stored: z.array(z.string()).describe('Names of the secrets that a login or a rotated token left.'),
        missing_variables: z.array(z.string()).describe('Environment variables that a run would ask for.'),
        jobs: z.array(names.job).describe('The jobs that read it.'),
      }),
    )
    .describe('The accounts of lorchestra.yaml, in its order.'),
})

export type AccountsListDocument = DocumentOf<typeof accountsListDocument>
