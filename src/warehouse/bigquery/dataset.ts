import * as z from 'zod'

import {usageError} from '../../base/errors.ts'
import {Connection, type Clients, type ConnectionOptions} from './connection.ts'
import {credentialsOf, noCredentials, type Identity} from './credentials.ts'
import type {TableSetName} from '../../model/tables.ts'
import {LEASE, STAGING} from './names.ts'
import {isDatasetNotFound, isForbidden, isNotFound, isProjectNotFound} from './service-error.ts'

const datasetShape = z.object({location: z.string().optional()})

export interface DatasetOptions extends ConnectionOptions, Identity {}

/** Looks first whether the dataset is there and where: a job is only ever found again in its own location. */
export async function connectToDataset(options: DatasetOptions, signal: AbortSignal): Promise<Connection> {
  const {location: wanted} = options
  const connection = new Connection(options, await clientsFor(options))
  const location = await locationOf(connection, connection.dataset, signal)
  return location === undefined || wanted !== undefined ? connection : connection.in(location)
}

export async function clientsFor(options: DatasetOptions): Promise<Clients> {
  const {project, apiEndpoint, serviceEndpoint} = options
  if (apiEndpoint !== undefined) goPastProxies(apiEndpoint)
  const credentials = await (apiEndpoint === undefined ? credentialsOf(project, options) : noCredentials())
  const {BigQuery} = await import('@google-cloud/bigquery')
  const client = new BigQuery({
    projectId: project,
    authClient: credentials,
    // It repeats some requests on its own, and does not know which of them are safe to repeat.
    autoRetry: false,
    ...((apiEndpoint ?? serviceEndpoint) !== undefined && {apiEndpoint: apiEndpoint ?? serviceEndpoint}),
  })
  return {client, credentials}
}

/** Google's client takes any proxy of the environment, wherever the address is. */
function goPastProxies(endpoint: string): void {
  const {hostname} = new URL(endpoint)
  const past = (process.env['NO_PROXY'] ?? process.env['no_proxy'] ?? '').split(',').filter(Boolean)
  if (!past.includes(hostname)) process.env['NO_PROXY'] = [...past, hostname].join(',')
}

/** Throws where a dataset beside production's that this set's runs write is missing, or elsewhere: no statement reaches both then. */
export async function assertDatasetsOf(set: TableSetName, connection: Connection, signal: AbortSignal): Promise<void> {
  const datasets = [STAGING[set], LEASE[set]].map((start) => connection.referenceTo(start).datasetId)
  for (const dataset of new Set(datasets))
    if (dataset !== connection.dataset) await locationOf(connection, dataset, signal)
}

async function locationOf(connection: Connection, dataset: string, signal: AbortSignal): Promise<string | undefined> {
  const {project, location: wanted} = connection
  const name = `${project}.${dataset}`
  try {
    const answer = await connection.request({
      method: 'GET',
      path: `/datasets/${dataset}`,
      what: `looking at dataset ${name}`,
      signal,
    })
    const {location} = datasetShape.parse(answer)
    if (wanted === undefined || location === undefined || wanted.toLowerCase() === location.toLowerCase())
      return location
    throw usageError(`the dataset ${name} is in ${location}, not in ${wanted}`, {
      code: 'E_DATASET_MISSING',
      next: 'Set warehouse.location in lorchestra.yaml to where the dataset is, or leave it out; all datasets must be in one location.',
    })
  } catch (error) {
    if (isProjectNotFound(error)) {
      throw usageError(`there is no project ${project} that these credentials can see`, {
        code: 'E_DATASET_MISSING',
        next: 'Check project under warehouse: in lorchestra.yaml, or GCP_PROJECT.',
        cause: error,
      })
    }
    if (isDatasetNotFound(error) || isNotFound(error)) {
      throw usageError(`there is no dataset ${name} that these credentials can see`, {
        code: 'E_DATASET_MISSING',
        next: `Check project and datasets under warehouse: in lorchestra.yaml, or make it: bq mk --dataset ${project}:${dataset}`,
        cause: error,
      })
    }
    // Tables may be allowed where the dataset is not; whoever says where it is need not ask.
    if (isForbidden(error) && wanted !== undefined) return wanted
    throw error
  }
}
