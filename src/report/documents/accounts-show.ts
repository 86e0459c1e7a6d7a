import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

export const accountsShowDocument = document({
  account: z
    .strictObject({
      account: z.string().describe('Name of an account of lorchestra.yaml.'),
      config: z.string().describe('Path of lorchestra.yaml.'),
      source: names.source,
      summary: z.string().describe('What the source says of itself.'),
      source_system: names.sourceSystem,
      mask: z.array(z.string()).describe('Paths into payloads that samples do not show.'),
      allow: z.array(z.string()).describe('What its source may do outside of its box, such as spawn.'),
      options: z
        .record(z.string(), z.unknown())
        .describe("The source's own options as they are written, variables unresolved; secrets are hidden."),
      stored: z.array(z.string()).describe('Names of the secrets that a login or a rotated token left.'),
      can_sign_in: z.boolean().describe('Its source has a login.'),
      signed_in: z
        .boolean()
        .nullable()
        .describe(
          'Runs have what they need to get in, as far as this machine knows; null: variables or a job are missing.',
        ),
      missing_variables: z.array(z.string()).describe('Environment variables that a run would ask for.'),
      advice: z.string().optional().describe('What to do about missing variables.'),
      jobs: z.array(names.job).describe('The jobs that read it.'),
    })
    .describe('An account, as far as this machine knows.'),
})

export type AccountsShowDocument = DocumentOf<typeof accountsShowDocument>
export type AccountDescription = AccountsShowDocument['account']
