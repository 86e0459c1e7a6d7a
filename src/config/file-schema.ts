import * as z from 'zod'

import {parseDuration, parseInstant} from '../base/time.ts'
import {messageWithCauses} from '../base/errors.ts'
import {isLoopback} from '../base/loopback.ts'
import {NAME} from '../model/name.ts'
import {notificationsSchema} from './notification-settings.ts'
import {variablesIn} from './variables.ts'

/** Keys of accounts and jobs that lorchestra reads itself; a source may not use them. */
export const HOST_KEYS = ['source', 'account', 'source_system', 'start', 'overlap', 'slice', 'max_rejects'] as const

const JOB_ONLY_KEYS = ['account', 'start', 'overlap', 'slice', 'max_rejects'] as const

const NAME_RULE = 'a name is 1 to 63 of a-z, 0-9, _ and -, and starts with a letter or digit'
const name = z.string().regex(NAME, NAME_RULE)

/** A value with a variable in it is read when a run needs it. */
const setting = (read: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    if (variablesIn(text).length > 0) return
    try {
      read(text)
    } catch (error) {
      context.addIssue({code: 'custom', message: messageWithCauses(error)})
    }
  })

const REJECTS_RULE = 'expected a whole number, 0 or more'

export function parseRejectLimit(value: string | number): number {
  const limit = typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (Number.isSafeInteger(limit) && limit >= 0) return limit
  throw new RangeError(`${JSON.stringify(value)} is not a whole number, 0 or more`)
}

export function parseSlice(text: string): number {
  const length = parseDuration(text)
  if (length > 0) return length
  throw new RangeError('a slice must be longer than nothing')
}

/** When and how a job reads; everything may come from a variable. */
export const settingsSchema = z.object({
  start: setting(parseInstant).optional(),
  overlap: setting(parseDuration).optional(),
  slice: setting(parseSlice).optional(),
  max_rejects: z
    .union([z.int(REJECTS_RULE).min(0, REJECTS_RULE), setting((text) => parseRejectLimit(text))], REJECTS_RULE)
    .optional(),
})

export type JobSettings = z.infer<typeof settingsSchema>

const accountSchema = z.looseObject({source: name, source_system: name.optional()}).superRefine((account, context) => {
  for (const key of JOB_ONLY_KEYS) {
    if (key in account) context.addIssue({code: 'custom', path: [key], message: 'belongs in a job, not in an account'})
  }
})

const jobSchema = z
  .looseObject({source: name.optional(), account: name.optional(), source_system: name.optional()})
  .extend(settingsSchema.shape)
  .superRefine((job, context) => {
    const refuse = (message: string, path: string[] = []): void => context.addIssue({code: 'custom', path, message})
    if (job.account === undefined && job.source === undefined)
      refuse('a job needs an account, or a source that needs none')
    if (job.account === undefined) return
    if (job.source !== undefined) refuse('the account says which source it is; leave one of them out', ['source'])
    if (job.source_system !== undefined) refuse("belongs in the job's account", ['source_system'])
  })

/** All of lorchestra.yaml but its `warehouse`. */
export const fileSchema = z.strictObject({
  warehouse: z.unknown().optional(),
  accounts: z.record(name, accountSchema).nullish(),
  jobs: z.record(name, jobSchema).nullish(),
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
