import * as z from 'zod'

import {errorMember} from '../../base/error-document.ts'
import {EXIT, type Outcome} from '../../base/errors.ts'
import {countsOfAnyRun} from './counts.ts'
import {diffMember} from './diff.ts'
import {document, type DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'
import {schemaMember} from './schema.ts'
import {tablesMember} from './tables.ts'
import {windowMember} from './window.ts'
import {isRunMode, RUN_MODES} from '../../model/run-mode.ts'

const OUTCOMES = Object.keys(EXIT) as [Outcome, ...Outcome[]]

/** This is a run that began, however it ended. */
export const runMember = z
  .strictObject({
    run_id: names.runId,
    job: names.job,
    source: names.source,
    account: names.account,
    mode: z.enum(Object.keys(RUN_MODES).filter(isRunMode)).describe('What it was allowed to write.'),
    outcome: z.enum(OUTCOMES).describe('How it ended.'),
    started_at: instant,
    duration_seconds: z.number().nonnegative().describe('How long it took.'),
    warehouse: names.warehouse,
    tables: tablesMember.nullable().describe('What it wrote to; null in a dry run.'),
    windows: z.array(windowMember).describe('What it read and, where it wrote, what is stored of it.'),
    limited: z.boolean().describe('It stopped after --limit records, and so covers nothing.'),
    commits: z.int().nonnegative().describe('How many were made; a dry run counts what would be one.'),
    bytes_billed: z.int().nonnegative().optional().describe('By a warehouse that bills.'),
    counts: countsOfAnyRun,
    open_rejects: z
      .int()
      .nonnegative()
      .optional()
      .describe('Records of the job that runs rejected and none stored since, where this one rejected or retried any.'),
    cursor: z
      .strictObject({
        before: instant.nullable().describe('null: the very first record.'),
        after: instant.nullable().describe('null: the very first record.'),
      })
      .nullable()
      .describe('Where a plain run would have begun before it, and where the next one begins; null: not known.'),
    notes: z.array(z.string()).describe('What a person should know, one line each.'),
    schema: schemaMember.optional().describe('What is new in the shape of the records; missing: nothing.'),
    samples: z
      .array(
        z.strictObject({
          idem_key: z.string().describe('The key of its row.'),
          payload: z.string().describe('JSON, cut after 500 characters.'),
        }),
      )
      .optional()
      .describe('Some records of a dry run.'),
    diff: diffMember.optional().describe('With --diff, unless the run failed.'),
    plan: z
      .strictObject({
        id: names.planId,
        file: z.string().describe('Where it is.'),
        expires_at: instant.describe('It cannot be applied from then on.'),
      })
      .optional()
      .describe('With --out: what `lorchestra apply` takes.'),
    error: errorMember.optional(),
  })
  .meta({id: 'run', description: 'One run of one job.'})

/** This job could not even begin. */
export const refusedRunMember = z
  .strictObject({job: names.job, error: errorMember})
  .meta({id: 'refused_run', description: 'A job that could not even begin.'})

/** This is what `--task` left to do here. */
export const taskMember = z.strictObject({
  index: z.int().nonnegative().describe('Which task it is, counted from 0.'),
  count: z.int().positive().describe('How many tasks there are.'),
  jobs: z.array(names.job).describe('Its own jobs; none where there are fewer accounts than tasks.'),
  of: z.int().nonnegative().describe('How many jobs all tasks have together.'),
})

export const runDocument = document({
  task: taskMember.optional().describe('With --task.'),
  runs: z
    .array(z.union([runMember, refusedRunMember]))
    .describe('One element a job, in the order in which they ended.'),
  error: errorMember.optional().describe('Why the command failed, where it was not one of its runs.'),
})

export type TaskMember = DocumentOf<typeof taskMember>
export type RunMember = DocumentOf<typeof runMember>
export type RefusedRunMember = DocumentOf<typeof refusedRunMember>
export type RunDocument = DocumentOf<typeof runDocument>
