import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {refusedRunMember, runMember} from './run.ts'

const text = z.string().describe('One line for a person; chat services show this member.')

export const runFailedDocument = document({
  event: z.literal('run.failed').describe('A run failed, or could not begin.'),
  text,
  run: z.union([runMember, refusedRunMember]).describe('The run, as `lorchestra run --json` gives it.'),
})

export const runDegradedDocument = document({
  event: z.literal('run.degraded').describe('A run ended well, and something is odd about it.'),
  text,
  run: runMember,
})

/** A webhook or a command is sent this. */
export type NotificationDocument = DocumentOf<typeof runFailedDocument> | DocumentOf<typeof runDegradedDocument>
