import * as z from 'zod'

import {notificationsSchema} from './notification-settings.ts'
import {JOB_ONLY_KEYS, nameSchema, settingsIn, shapeIn} from './settings.ts'

const accountSchema = z.looseObject(shapeIn('account')).superRefine((account, context) => {
  for (const key of JOB_ONLY_KEYS) {
    if (key in account) context.addIssue({code: 'custom', path: [key], message: 'belongs in a job, not in an account'})
  }
})

const jobSchema = z.looseObject(shapeIn('job')).superRefine((job, context) => {
  const refuse = (message: string, path: string[] = []): void => context.addIssue({code: 'custom', path, message})
  if (job.account === undefined && job.source === undefined)
    refuse('a job needs an account, or a source that needs none')
  if (job.account === undefined) return
  for (const [key, {refusedBesideAccount}] of settingsIn('job')) {
    if (refusedBesideAccount !== undefined && job[key] !== undefined) refuse(refusedBesideAccount, [key])
  }
})

/** The schema takes all of lorchestra.yaml; what a warehouse may say is checked by the schema of its kind. */
export const fileSchema = z.strictObject({
  warehouse: z.unknown().optional().meta({
    description: 'Where records and events are written, into two tables.',
  }),
  accounts: z.record(nameSchema, accountSchema).nullish().meta({
    description: 'Whose data, each under a name of yours. Keys that are not listed here go to the source.',
  }),
  jobs: z.record(nameSchema, jobSchema).nullish().meta({
    description:
      'What to read, each under a name of yours. Keys that are not listed here go to the source, and win over those of the account.',
  }),
  notifications: notificationsSchema.optional(),
})

export const FILE_KEYS = Object.keys(fileSchema.shape)
