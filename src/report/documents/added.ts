import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'

const members = {
  written: z.string().describe('Path of the lorchestra.yaml that it was added to.'),
  options: z
    .record(z.string(), z.unknown())
    .describe("The source's own options as they are written, variables unresolved."),
  missing_variables: z.array(z.string()).describe('Environment variables that are not set or empty.'),
  next: z.array(z.string()).describe('What is left to do, in words.'),
}

export const accountsAddDocument = document({
  account: z
    .strictObject({account: z.string().describe('Name of the new account.'), source: names.source, ...members})
    .describe('The account that was added.'),
})

export const jobsAddDocument = document({
  job: z
    .strictObject({job: names.job, account: names.account, source: names.source, ...members})
    .describe('The job that was added.'),
})

export type AccountsAddDocument = DocumentOf<typeof accountsAddDocument>
export type JobsAddDocument = DocumentOf<typeof jobsAddDocument>
