import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import {refusedRunMember, runMember} from './run.ts'

const text = z.string().describe('One line for a person; chat services show this member.')

export const runFailedDocument = document({
  event: z.literal('run.failed'),
  text,
  run: z.union([runMember, refusedRunMember]),
})

export const runDegradedDocument = document({
  event: z.literal('run.degraded'),
  text,
  run: runMember,
})

/** What a webhook or a command is sent. */
export type NotificationDocument = DocumentOf<typeof runFailedDocument> | DocumentOf<typeof runDegradedDocument>
