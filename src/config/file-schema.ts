import * as z from 'zod'

import {parseDuration} from '../base/time.ts'
import {isLoopback} from '../base/loopback.ts'
import {notificationsSchema} from './notification-settings.ts'
import {JOB_ONLY_KEYS, nameSchema, settingsIn, shapeIn} from './settings.ts'
import {textSetting as setting} from './text-setting.ts'

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

const tableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a table name is letters, digits and _, and starts with no digit')
const tables = {event_log: tableName.optional(), raw_objects: tableName.optional()}

const duckdbSchema = z.strictObject({
  type: z.literal('duckdb'),
  path: z.string().min(1, 'a path must not be empty').optional(),
  ...tables,
})

const BYTES_RULE = 'expected a whole number of bytes'

/** Of an emulator; what is sent there without encryption must not leave this machine. */
const apiEndpoint = z.string().superRefine((text, context) => {
  const refuse = (message: string): void => context.addIssue({code: 'custom', message})
  if (!URL.canParse(text)) return refuse('expected the address of an emulator, such as http://127.0.0.1:9050')
  const url = new URL(text)
  const {protocol, href, origin} = url
  if (!['http:', 'https:'].includes(protocol)) return refuse('expected an address with http or https')
  if (href !== `${origin}/`) return refuse('expected an address without a path')
  if (protocol === 'http:' && !isLoopback(url)) refuse('plain http is for this machine only (127.0.0.1)')
})

const bigquerySchema = z.strictObject({
  type: z.literal('bigquery'),
  project: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/, 'this is not the id of a Google Cloud project'),
  dataset: z.string().regex(/^[A-Za-z0-9_]{1,1024}$/, 'a dataset name is letters, digits and _'),
  location: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, 'a location is a name such as EU or us-east1')
    .optional(),
  max_bytes_billed: z
    .union([z.int(BYTES_RULE).positive(BYTES_RULE), z.string().regex(/^[1-9]\d*$/, BYTES_RULE)], BYTES_RULE)
    .optional(),
  touch_after: setting(parseDuration).optional(),
  api_endpoint: apiEndpoint.optional(),
  ...tables,
})

export const warehouseSchema = z.discriminatedUnion('type', [duckdbSchema, bigquerySchema])

export const warehouseKeys = (type: unknown): readonly string[] =>
  Object.keys((type === 'bigquery' ? bigquerySchema : duckdbSchema).shape)
