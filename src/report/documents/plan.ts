import * as z from 'zod'

import {countsOfAnyRun} from './counts.ts'
import {diffMember} from './diff.ts'
import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'
import {windowMember} from './window.ts'

export const planMember = z
  .strictObject({
    id: names.planId,
    job: names.job,
    source: names.source,
    account: names.account,
    made_at: instant,
    read_at: instant.describe('Rows say that they were read then.'),
    expires_at: instant,
    made_by: z.string().describe('The version of lorchestra.'),
    warehouse: z
      .strictObject({type: z.string(), place: z.string(), event_log: z.string(), raw_objects: z.string()})
      .describe('What it was made for.'),
    commits: z.int().positive().describe('How many it makes.'),
  })
  .meta({id: 'plan', description: 'A dry run that can be applied.'})

export const planShowDocument = document({
  plan: planMember,
  windows: z.array(windowMember).describe('What was read.'),
  counts: countsOfAnyRun,
  diff: diffMember,
})

export type PlanMember = DocumentOf<typeof planMember>
export type PlanShowDocument = DocumentOf<typeof planShowDocument>
