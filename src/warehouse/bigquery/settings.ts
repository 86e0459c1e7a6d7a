import * as z from 'zod'

import {parseDuration} from '../../base/time.ts'
import {messageWithCauses} from '../../base/errors.ts'
import {isSafeAddress} from '../../base/safe-address.ts'
import type {Problem} from '../../config/problems.ts'
import {readVariable} from '../../config/variables.ts'
import type {KindSettings} from '../../config/warehouse-settings.ts'
import type {Writes} from '../../model/tables.ts'

/** The service account that lorchestra is while it writes these tables, where one is named; else it is whoever the credentials are. */
export type Identities = {readonly [What in Writes]?: string}

export type BigQuerySettings = {
  readonly project: string
  readonly dataset: string
  /** Jobs run in this project and are billed to it. */
  readonly billingProject?: string
  readonly testDataset?: string
  readonly stagingDataset?: string
  readonly identities?: Identities
  readonly location?: string
  /** It is a decimal whole number of bytes. */
  readonly maxBytesBilled?: string
  /** An unchanged row's `last_seen` may lag behind by this duration. */
  readonly touchAfter: string
  /** Test tables are removed this duration after the last run into them. */
  readonly testTablesExpire: string
  readonly labels?: Readonly<Record<string, string>>
  readonly priority?: 'interactive' | 'batch'
  readonly reservation?: string
  readonly kmsKey?: string
  /** It is the origin of an emulator, which gets no credentials. */
  readonly apiEndpoint?: string
  /** It is the origin of Google's own service, which gets them. */
  readonly serviceEndpoint?: string
  readonly iamEndpoint?: string
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

/** What is sent without encryption must not leave this machine. */
const address = (expected: string) =>
  z.string().superRefine((text, context) => {
    const refuse = (message: string): void => context.addIssue({code: 'custom', message})
    if (!URL.canParse(text)) return refuse(expected)
    const url = new URL(text)
    const {protocol, href, origin} = url
    if (!['http:', 'https:'].includes(protocol)) return refuse('expected an address with http or https')
    if (href !== `${origin}/`) return refuse('expected an address without a path')
    if (!isSafeAddress(url)) refuse('plain http is for this machine only (127.0.0.1)')
  })

const project = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/, 'this is not the id of a Google Cloud project')
const dataset = z.string().regex(/^[A-Za-z0-9_]{1,1024}$/, 'a dataset name is letters, digits and _')
const serviceAccount = z
  .string()
  .regex(/^[^\s/:@]+@[A-Za-z0-9.-]+\.gserviceaccount\.com$/, 'expected the address of a service account')

const keys = {
  project: project.meta({
    description:
      'The id of the Google Cloud project that holds the datasets, and pays where billing_project names no other one. GCP_PROJECT stands in for it.',
  }),
  dataset: dataset.meta({description: 'The dataset that holds the tables. EVENTS_BQ_DATASET stands in for it.'}),
  test_dataset: dataset.optional().meta({
    description:
      'The dataset of test tables, and of all else that test runs make; an identity that may write only this cannot write production. Left out: that of production.',
  }),
  staging_dataset: dataset.optional().meta({
    description:
      'The dataset that staging tables are made in, for a moment; those of test runs lie in test_dataset where that is given. Left out: that of the tables.',
  }),
  identities: z
    .strictObject({
      dry_run: serviceAccount.optional().meta({description: 'For dry runs, and for all commands that only look.'}),
      test_table: serviceAccount.optional().meta({description: 'For runs into test tables.'}),
      production: serviceAccount.optional().meta({description: 'For all that writes production.'}),
    })
    .optional()
    .meta({
      description:
        'Service accounts that lorchestra is, in place of whoever the credentials are: `dry_run` for dry runs and all commands that only look, `test_table` for runs into test tables, `production` for all that writes production. The credentials need roles/iam.serviceAccountTokenCreator on each. Left out: one for all.',
      examples: [{dry_run: 'reader@my-project.iam.gserviceaccount.com'}],
    }),
  billing_project: project.optional().meta({
    description: 'The id of the project that jobs run in and are billed to. Left out: the one that holds the datasets.',
  }),
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
  labels: z
    .record(
      z.string().regex(/^(?!tool$)[a-z][a-z0-9_-]{0,62}$/, 'a label is small letters, digits, _ and -, and not tool'),
      z.string().regex(/^[a-z0-9_-]{0,63}$/, 'the value of a label is small letters, digits, _ and -'),
    )
    .optional()
    .meta({
      description:
        'Labels of all jobs, beside `tool: lorchestra`: bills and INFORMATION_SCHEMA can be told apart by them.',
      examples: [{team: 'ingestion'}],
    }),
  priority: z.enum(['interactive', 'batch']).optional().meta({
    description:
      'BigQuery begins `interactive` statements at once, and `batch` ones when there is room, which may be minutes later.',
    default: 'interactive',
  }),
  reservation: z
    .string()
    .regex(
      /^(none|projects\/[^/\s]+\/locations\/[^/\s]+\/reservations\/[^/\s]+)$/,
      'expected projects/P/locations/L/reservations/R, or none',
    )
    .optional()
    .meta({
      description:
        'The reservation whose slots jobs use, as projects/P/locations/L/reservations/R; `none` for on-demand prices. Left out: as the project is assigned.',
    }),
  kms_key: z
    .string()
    .regex(
      /^projects\/[^/\s]+\/locations\/[^/\s]+\/keyRings\/[^/\s]+\/cryptoKeys\/[^/\s]+$/,
      'expected projects/P/locations/L/keyRings/R/cryptoKeys/K',
    )
    .optional()
    .meta({
      description:
        'The key of Cloud KMS that protects what lorchestra creates: tables, staging tables, leases and the answers of queries. Test tables have that of production. Left out: the default of the dataset, else one of Google.',
    }),
  service_endpoint: address('expected an address, such as https://bigquery.europe-west3.rep.googleapis.com')
    .optional()
    .meta({
      description:
        'The address of Google BigQuery where it is another than https://bigquery.googleapis.com: a regional or private endpoint. It gets the credentials.',
    }),
  iam_endpoint: address('expected an address, such as https://iamcredentials-private.p.googleapis.com')
    .optional()
    .meta({
      description:
        'The address of Google’s IAM Credentials, which identities are asked of, where it is another than https://iamcredentials.googleapis.com. It gets the credentials.',
    }),
  api_endpoint: address('expected the address of an emulator, such as http://127.0.0.1:9050').optional().meta({
    description: 'The address of an emulator, such as http://127.0.0.1:9050, which gets no credentials.',
  }),
}

type Written = z.output<z.ZodObject<typeof keys>>

/** Names of datasets are compared without regard to case: some datasets are told apart so. */
function problemIn(written: Written): Problem | undefined {
  const {dataset: production, test_dataset: test, staging_dataset: staging, api_endpoint: emulator} = written
  const isSame = (one: string | undefined, other: string | undefined): boolean =>
    one !== undefined && one.toLowerCase() === other?.toLowerCase()
  if (isSame(test, production)) {
    const message = 'it is the dataset of production'
    return {position: 'warehouse.test_dataset', message, advice: 'Name another one, or leave it out.'}
  }
  if (isSame(test, staging)) {
    const message = 'it is test_dataset, so that whoever may write that could change what runs in production stage'
    return {position: 'warehouse.staging_dataset', message, advice: 'Name another one, or leave it out.'}
  }
  const credentialed = (['identities', 'service_endpoint', 'iam_endpoint'] as const).find(
    (key) => written[key] !== undefined,
  )
  if (emulator === undefined || credentialed === undefined) return undefined
  const advice = 'Leave one of them out; service_endpoint is the address of a service that gets credentials.'
  return {position: `warehouse.${credentialed}`, message: 'an emulator (api_endpoint) gets no credentials', advice}
}

export const bigquerySettings: KindSettings<typeof keys, BigQuerySettings> = {
  keys,
  fallbacks: {project: 'GCP_PROJECT', dataset: 'EVENTS_BQ_DATASET'},
  resolve(written, {environment}) {
    const {touch_after: touchAfter = TOUCH_AFTER, test_tables_expire: testTablesExpire = TEST_TABLES_EXPIRE} = written
    const {max_bytes_billed: maxBytesBilled, api_endpoint: apiEndpoint, identities} = written
    const problem = problemIn(written)
    if (problem !== undefined) return {problem}
    if (apiEndpoint === undefined && readVariable(environment, EMULATOR) !== undefined) {
      return {problem: {position: EMULATOR, message: EMULATOR_REFUSED, advice: EMULATOR_ADVICE}}
    }
    const credentialsFile = apiEndpoint === undefined ? readVariable(environment, CREDENTIALS) : undefined
    return {
      settings: {
        project: written.project,
        dataset: written.dataset,
        touchAfter,
        testTablesExpire,
        ...given({
          billingProject: written.billing_project,
          testDataset: written.test_dataset,
          stagingDataset: written.staging_dataset,
          identities: identities && identitiesOf(identities),
          location: written.location,
          maxBytesBilled: maxBytesBilled === undefined ? undefined : BigInt(maxBytesBilled).toString(),
          labels: written.labels,
          priority: written.priority,
          reservation: written.reservation,
          kmsKey: written.kms_key,
          apiEndpoint: originOf(apiEndpoint),
          serviceEndpoint: originOf(written.service_endpoint),
          iamEndpoint: originOf(written.iam_endpoint),
          credentialsFile,
        }),
      },
    }
  },
}

const identitiesOf = ({
  dry_run: dryRun,
  test_table: test,
  production,
}: NonNullable<Written['identities']>): Identities => given({nothing: dryRun, test, production})

const originOf = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : new URL(text).origin

type Given<All> = {readonly [Key in keyof All]?: Exclude<All[Key], undefined>}

/** Leaves out what is `undefined`. */
const given = <All extends object>(all: All): Given<All> =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Given<All>
