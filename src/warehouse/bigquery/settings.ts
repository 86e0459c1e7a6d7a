import * as z from 'zod'

import {parseDuration} from '../../base/time.ts'
import {messageWithCauses} from '../../base/errors.ts'
import {isSafeAddress} from '../../base/safe-address.ts'
import {readVariable} from '../../config/variables.ts'
import type {KindSettings} from '../../config/warehouse-settings.ts'

export type BigQuerySettings = {
  readonly project: string
  readonly dataset: string
  readonly location?: string
  /** It is a decimal whole number of bytes. */
  readonly maxBytesBilled?: string
  /** An unchanged row's `last_seen` may lag behind by this duration. */
  readonly touchAfter: string
  /** Test tables are removed this duration after the last run into them. */
  readonly testTablesExpire: string
  /** It is the origin of an emulator, which gets no credentials. */
  readonly apiEndpoint?: string
  /** GOOGLE_APPLICATION_CREDENTIALS names it. */
  readonly credentialsFile?: string
}

/** Moving `last_seen` bills what it rewrites, so a daily run that reads back some days must not do it every day. */
const TOUCH_AFTER = '7d'
const TEST_TABLES_EXPIRE = '30d'
const SHORTEST_EXPIRY = parseDuration('1h')
/** Google's own libraries read it too, but not from .env. */
const CREDENTIALS = 'GOOGLE_APPLICATION_CREDENTIALS'
/** Google's client libraries follow it; a variable that is left over must not decide where records go. */
const EMULATOR = 'BIGQUERY_EMULATOR_HOST'
const EMULATOR_REFUSED = 'the variable is set, and lorchestra takes an emulator from lorchestra.yaml alone'
const EMULATOR_ADVICE = 'Set warehouse.api_endpoint to its address, or unset the variable to use Google BigQuery.'

const BYTES_RULE = 'expected a whole number of bytes'

const duration = z.string().superRefine((text, context) => {
  try {
    parseDuration(text)
  } catch (error) {
    context.addIssue({code: 'custom', message: messageWithCauses(error)})
  }
})

/** What is no duration is told of by `duration`. */
function isExpiry(text: string): boolean {
  try {
    const expiry = parseDuration(text)
    return expiry === 0 || expiry >= SHORTEST_EXPIRY
  } catch {
    return true
  }
}

/** What is sent to an emulator without encryption must not leave this machine. */
const apiEndpoint = z.string().superRefine((text, context) => {
  const refuse = (message: string): void => context.addIssue({code: 'custom', message})
  if (!URL.canParse(text)) return refuse('expected the address of an emulator, such as http://127.0.0.1:9050')
  const url = new URL(text)
  const {protocol, href, origin} = url
  if (!['http:', 'https:'].includes(protocol)) return refuse('expected an address with http or https')
  if (href !== `${origin}/`) return refuse('expected an address without a path')
  if (!isSafeAddress(url)) refuse('plain http is for this machine only (127.0.0.1)')
})

const keys = {
  project: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/, 'this is not the id of a Google Cloud project')
    .meta({
      description: 'The id of the Google Cloud project that holds the dataset and pays. GCP_PROJECT stands in for it.',
    }),
  dataset: z
    .string()
    .regex(/^[A-Za-z0-9_]{1,1024}$/, 'a dataset name is letters, digits and _')
    .meta({description: 'The dataset that holds the tables. EVENTS_BQ_DATASET stands in for it.'}),
  location: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, 'a location is a name such as EU or us-east1')
    .optional()
    .meta({description: 'Where the dataset is, such as EU; BigQuery is asked for it where it is left out.'}),
  max_bytes_billed: z
    .union([z.int(BYTES_RULE).positive(BYTES_RULE), z.string().regex(/^[1-9]\d*$/, BYTES_RULE)], BYTES_RULE)
    .optional()
    .meta({
      description:
        'A run, or another command, bills no more bytes than this: BigQuery refuses a statement that might bill more than is left of it.',
    }),
  touch_after: duration.optional().meta({
    description:
      'A duration such as 12h or 7d. An unchanged row gets a new last_seen when its own is older than this, or than a logged deletion; 0s moves it with every run, and bills it.',
    default: TOUCH_AFTER,
  }),
  test_tables_expire: duration
    .refine((text) => isExpiry(text), 'expected 0s, or 1h or more: a run must not outlive its tables')
    .optional()
    .meta({
      description:
        'A duration such as 7d. BigQuery removes the test tables, both at once, this long after the last run into them began; 0s keeps them until `lorchestra test drop`.',
      default: TEST_TABLES_EXPIRE,
    }),
  api_endpoint: apiEndpoint.optional().meta({
    description: 'The address of an emulator, such as http://127.0.0.1:9050, which gets no credentials.',
  }),
}

export const bigquerySettings: KindSettings<typeof keys, BigQuerySettings> = {
  keys,
  fallbacks: {project: 'GCP_PROJECT', dataset: 'EVENTS_BQ_DATASET'},
  resolve(written, {environment}) {
    const {project, dataset, location, api_endpoint: endpoint} = written
    const {max_bytes_billed: maxBytesBilled, touch_after: touchAfter = TOUCH_AFTER} = written
    const {test_tables_expire: testTablesExpire = TEST_TABLES_EXPIRE} = written
    if (endpoint === undefined && readVariable(environment, EMULATOR) !== undefined) {
      return {problem: {position: EMULATOR, message: EMULATOR_REFUSED, advice: EMULATOR_ADVICE}}
    }
    const credentialsFile = endpoint === undefined ? readVariable(environment, CREDENTIALS) : undefined
    return {
      settings: {
        project,
        dataset,
        ...(location !== undefined && {location}),
        ...(maxBytesBilled !== undefined && {maxBytesBilled: BigInt(maxBytesBilled).toString()}),
        touchAfter,
        testTablesExpire,
        ...(endpoint !== undefined && {apiEndpoint: new URL(endpoint).origin}),
        ...(credentialsFile !== undefined && {credentialsFile}),
      },
    }
  },
}
