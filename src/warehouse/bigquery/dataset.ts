import * as z from 'zod'

import {usageError} from '../../errors.ts'
import {Connection, googleCredentials, noCredentials, type ConnectionOptions} from './connection.ts'
import {isNotFound, ServiceError} from './service-error.ts'

const datasetShape = z.object({location: z.string().optional()})

/** Looks first whether the dataset is there and where: a job is only ever found again in its own location. */
export async function connectToDataset(options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
  const authorize = options.apiEndpoint === undefined ? await googleCredentials() : noCredentials
  const connection = new Connection(options, authorize)
  const location = await locationOf(connection, signal)
  if (location === undefined || options.location !== undefined) return connection
  return new Connection({...options, location}, authorize)
}

async function locationOf(connection: Connection, signal: AbortSignal): Promise<string | undefined> {
  const {project, dataset, location: wanted} = connection
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
    throw usageError(
      `the dataset ${name} is in ${location}, not in ${wanted}`,
      'Set warehouse.location in lorchestra.yaml to where the dataset is, or leave it out.',
    )
  } catch (error) {
    if (isNotFound(error)) {
      throw usageError(
        `there is no dataset ${name} that these credentials can see`,
        `Check project and dataset under warehouse: in lorchestra.yaml, or make it: bq mk --dataset ${project}:${dataset}`,
        error,
      )
    }
    // Tables may be allowed where the dataset is not; whoever says where it is need not ask.
    if (error instanceof ServiceError && error.reason === 'accessDenied' && wanted !== undefined) return wanted
    throw error
  }
}
