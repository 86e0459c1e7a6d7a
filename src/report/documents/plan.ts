import * as z from 'zod'

import {countsOfAnyRun} from './counts.ts'
import {diffMember} from './diff.ts'
import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'
import {tablesMember} from './tables.ts'
import {windowMember} from './window.ts'

export const planMember = z
  .strictObject({
    id: names.planId,
    job: names.job,
    source: names.source,
    account: names.account,
    made_at: instant.describe('All was read by then.'),
    read_at: instant.describe('Rows say that they were read then.'),
    expires_at: instant.describe('It cannot be applied from then on.'),
    version: z.string().describe('The version of lorchestra that made it.'),
    warehouse: z
      .strictObject({
        type: names.warehouse,
        place: z.string().describe('The file, or the dataset.'),
        ...tablesMember.shape,
      })
      .describe('What it was made for.'),
    commits: z.int().positive().describe('How many it makes.'),
  })
  .meta({id: 'plan', description: 'A dry run that can be applied.'})

export const planShowDocument = document({
  plan: planMember,
  windows: z.array(windowMember).describe('What was read.'),
  counts: countsOfAnyRun.describe('What became of the records that were read.'),
  diff: diffMember.describe('What it does to the table.'),
})

export type PlanMember = DocumentOf<typeof planMember>
export type PlanShowDocument = DocumentOf<typeof planShowDocument>
