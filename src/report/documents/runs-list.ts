import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {pastRunMember} from './past-run.ts'
import {windowMember} from './window.ts'

export const gapMember = z
  .strictObject({
    job: names.job,
    account: names.account,
    source_system: names.sourceSystem,
    object_type: names.objectType,
    window: windowMember,
  })
  .meta({id: 'gap', description: 'What lies between two covered windows; the next plain run reads it.'})

export const runsListDocument = document({
  runs: z.array(pastRunMember).describe('Newest first, of the production and the test tables.'),
  gaps: z.array(gapMember).describe('Of the production tables.'),
})

export type GapMember = DocumentOf<typeof gapMember>
export type RunsListDocument = DocumentOf<typeof runsListDocument>
