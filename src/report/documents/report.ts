import * as z from 'zod'

import {diffMember} from './diff.ts'
import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'
import {pastRunMember} from './past-run.ts'
import {gapMember} from './runs-list.ts'
import {schemaChangeMember} from './schema.ts'
import {tablesMember} from './tables.ts'
import {comparisonMember} from './test-compare.ts'
import {tableSetMember} from './warehouse-show.ts'
import {windowMember} from './window.ts'

const runMember = pastRunMember.omit({windows: true, commits: true}).extend({
  kind: z
    .enum(['run', 'promotion', 'seed', 'undo', 'plan'])
    .describe('run: it read a source; promotion, seed: it copied rows; undo: it took runs back; plan: it applied one.'),
  commits: z.int().nonnegative().describe('How many events tell of its commits, one for each stream.'),
  bytes_billed: z
    .number()
    .nonnegative()
    .nullable()
    .describe('null: the warehouse bills nothing, or the run has not ended.'),
})

const rejectsMember = z.strictObject({
  job: names.job,
  source_system: names.sourceSystem,
  object_type: names.objectType,
  reason: z.string().describe('What the reasons have in common: … stands for any number.'),
  count: z.int().positive().describe('How many records were not stored for it.'),
  newest: instant.describe('When the last one of them was rejected.'),
})

const driftMember = z.strictObject({
  at: instant.describe('When it was logged.'),
  run_id: names.runId,
  event: z.enum(['changed', 'refused', 'accepted']).describe('As in `schema diff`.'),
  source_system: names.sourceSystem,
  object_type: names.objectType,
  ...schemaChangeMember.omit({example: true}).shape,
})

/** What a dry run with --diff would have changed, as it is kept on this machine. */
export const keptDiff = z.strictObject({
  job: names.job,
  account: names.account,
  run_id: names.runId,
  at: instant.describe('When the dry run began.'),
  windows: z.array(windowMember).describe('What it read.'),
  diff: diffMember,
})

/** What `test compare` found, as it is kept on this machine. */
export const keptComparison = z.strictObject({
  job: names.job,
  test_set: z.string().nullable().describe('null: the set without a name.'),
  at: instant.describe('When they were compared.'),
  comparison: comparisonMember,
})

export const reportDocument = document({
  file: z.string().describe('The page that was written.'),
  generated_at: instant,
  warehouse: names.warehouse,
  tables: tablesMember,
  test_tables: z.boolean().describe('These are test tables.'),
  stored: tableSetMember,
  gaps: z.array(gapMember).describe('What streams that are covered before and after it have not read.'),
  runs: z.array(runMember).describe('The newest ones in these tables, newest first.'),
  more_runs: z.boolean().describe('There are older ones; --limit reads more of them.'),
  rejects: z.array(rejectsMember).describe('Those that are open, by reason, most first.'),
  more_rejects: z.boolean().describe('A job has more of them than the 10,000 that are counted.'),
  drift: z.array(driftMember).describe('How shapes of records changed, newest first, up to 200 facts.'),
  more_drift: z.boolean().describe('There are older ones: `schema diff JOB`.'),
  plan: z
    .strictObject({
      id: names.planId,
      job: names.job,
      account: names.account,
      made_at: instant,
      expires_at: instant,
      windows: z.array(windowMember).describe('What it covers.'),
      diff: diffMember,
    })
    .nullable()
    .describe('The plan of --plan.'),
  comparisons: z
    .array(z.strictObject({job: names.job, comparison: comparisonMember}))
    .describe('The test tables of each job of --compare, beside production.'),
  last_diffs: z
    .array(keptDiff)
    .describe('The last `run --dry-run --diff` of each job here within 14 days, newest first, up to 20.'),
  last_comparisons: z
    .array(keptComparison)
    .describe('The last `test compare` of each job here within 14 days, newest first, up to 20.'),
  bytes_billed: z.number().nonnegative().nullable().describe('What reading this cost; null: nothing is billed.'),
})

export type ReportDocument = DocumentOf<typeof reportDocument>
export type ReportedRun = ReportDocument['runs'][number]
export type KeptDiff = DocumentOf<typeof keptDiff>
export type KeptComparison = DocumentOf<typeof keptComparison>
