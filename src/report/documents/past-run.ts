import * as z from 'zod'

import {PAST_OUTCOMES} from '../../model/past-outcome.ts'
import {countsMember} from './counts.ts'
import type {DocumentOf} from './document.ts'
import {instant} from './instant.ts'
import * as names from './names.ts'
import {windowMember} from './window.ts'

/** A past run is what the event log tells of it. */
export const pastRunMember = z
  .strictObject({
    run_id: names.runId,
    job: names.job,
    account: names.account,
    mode: z.string().describe('production or test-table; a dry run leaves no trace.'),
    outcome: z
      .enum(PAST_OUTCOMES)
      .describe(
        'died: its process is gone without a last word. unknown: it has not ended, and runs or ran on another machine. undone: its rows were taken back, and nothing of it counts any more.',
      ),
    started_at: instant,
    ended_at: instant.nullable().describe('null: it has not said so.'),
    duration_seconds: z.number().nonnegative().nullable().describe('null: it has not ended.'),
    windows: z.array(windowMember).describe('What its commits cover.'),
    counts: countsMember,
    error: z.string().nullable().describe('Why it failed.'),
    promotes: z
      .array(names.runId)
      .describe('The test runs whose rows it made production’s; empty where it is no promotion.'),
    undoes: z.array(names.runId).describe('The runs that it took back; empty where it is no undo.'),
    plan: z.string().nullable().describe('The id of the plan that it applied; null: none.'),
    commits: z
      .array(
        z.strictObject({
          at: instant,
          source_system: names.sourceSystem,
          object_type: names.objectType,
          window: windowMember,
          counts: countsMember,
          limited: z
            .boolean()
            .describe(
              'It holds what --limit allowed, what came before a checkpoint, what a sweep found, or what reconcile marked as deleted, and so covers nothing.',
            ),
        }),
      )
      .describe('One element a stream of each commit, oldest first.'),
  })
  .meta({id: 'past_run', description: 'What the event log tells of one run.'})

export type PastRunMember = DocumentOf<typeof pastRunMember>
