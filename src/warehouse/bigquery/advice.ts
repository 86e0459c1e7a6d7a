import type {ErrorCode} from '../../base/error-codes.ts'

const VIEWER = 'roles/bigquery.dataViewer on the dataset, or roles/bigquery.dataEditor to write'
const EDITOR = 'roles/bigquery.dataEditor on the dataset'

const ROLES: readonly (readonly [permission: RegExp, role: string])[] = [
  [/^bigquery\.jobs\./, 'roles/bigquery.jobUser on the project'],
  [/^bigquery\.(datasets\.get|tables\.(get|getData|list))$/, VIEWER],
  [/^bigquery\.tables\.setCategory$/, 'roles/bigquery.dataOwner on the dataset, because columns have policy tags'],
  [/^bigquery\.(datasets|tables)\./, EDITOR],
  [/^serviceusage\./, 'roles/serviceusage.serviceUsageConsumer on the project'],
  [/^datacatalog\./, 'roles/datacatalog.categoryFineGrainedReader on the policy tags'],
]

const ADVICE: Readonly<Record<string, string>> = {
  accessNotConfigured:
    'Enable the BigQuery API in the project: gcloud services enable bigquery.googleapis.com --project PROJECT',
  authError: 'The credentials were refused: run `gcloud auth application-default login`, or renew the key file.',
  billingNotEnabled: 'Enable billing for the project: without it BigQuery runs no statement that writes.',
  bytesBilledLimitExceeded:
    'Raise warehouse.max_bytes_billed in lorchestra.yaml, or read a shorter window. For a clustered table BigQuery goes by all that a statement might read, and bills less as a rule.',
  concurrentUpdate:
    'Other runs or tools change the same table all the time: run again when they are through, or fewer at once. Nothing of this commit was written.',
  datasetElsewhere: 'Set warehouse.location in lorchestra.yaml to where the dataset is.',
  datasetNotFound: 'Check project and dataset under warehouse: in lorchestra.yaml.',
  notFound: 'Check project, dataset and location under warehouse: in lorchestra.yaml.',
  projectNotFound: 'Check project under warehouse: in lorchestra.yaml, or GCP_PROJECT.',
  quotaExceeded: 'Wait for the quota to recover, or raise it in the Google Cloud console; nothing was written.',
  streamingBuffer:
    'Rows that another tool streamed into the table cannot be changed for up to 90 minutes: run again then. Nothing of this commit was written.',
}

export const NO_CONNECTION = 'the connection failed'
const REACH =
  'Check the network, a proxy in HTTPS_PROXY, and warehouse.api_endpoint in lorchestra.yaml where it is set, and run the same command again.'

/** Says what to do next; `note` may name the permission that is missing. */
export function adviceFor(reason: string, note: string): string | undefined {
  if (reason.startsWith(NO_CONNECTION)) return REACH
  if (reason !== 'accessDenied' && reason !== 'forbidden') return ADVICE[reason]
  const permission = /\b(bigquery|serviceusage|datacatalog)(\.\w+){2}/.exec(note)?.[0]
  const role = ROLES.find(([pattern]) => permission !== undefined && pattern.test(permission))?.[1]
  return role === undefined
    ? `Grant the account roles/bigquery.jobUser on the project and ${EDITOR}.`
    : `Grant the account ${role} (${permission} is missing).`
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  accessDenied: 'E_PERMISSION_DENIED',
  accessNotConfigured: 'E_WAREHOUSE_REFUSED',
  authError: 'E_CREDENTIALS_INVALID',
  billingNotEnabled: 'E_WAREHOUSE_REFUSED',
  bytesBilledLimitExceeded: 'E_WAREHOUSE_REFUSED',
  datasetElsewhere: 'E_DATASET_MISSING',
  datasetNotFound: 'E_DATASET_MISSING',
  forbidden: 'E_PERMISSION_DENIED',
  projectNotFound: 'E_DATASET_MISSING',
  quotaExceeded: 'E_WAREHOUSE_REFUSED',
  rateLimitExceeded: 'E_WAREHOUSE_REFUSED',
  streamingBuffer: 'E_WAREHOUSE_REFUSED',
}

export const codeFor = (reason: string): ErrorCode => CODES[reason] ?? 'E_WAREHOUSE_FAILED'
