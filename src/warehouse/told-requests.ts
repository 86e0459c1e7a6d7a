import {channel} from 'node:diagnostics_channel'

/** It is told of a request to the service of a warehouse: no statement, no row, no credential. */
export interface ToldRequest {
  /** It is made of the service's name, the method, and the path without a query. */
  readonly name: string
  /** The HTTP status; `undefined` where nothing was answered. */
  readonly status: number | undefined
  /** The reason that the service gave for a refusal, or what was wrong with the connection. */
  readonly problem: string | undefined
  readonly milliseconds: number
  /** The job that was submitted, where it is one. */
  readonly jobId: string | undefined
}

// A warehouse is opened in many places, and has no log.
const requests = channel('lorchestra:warehouse-request')

export const tellRequest = (request: ToldRequest): void => requests.publish(request)

/** Has somebody hear of every request to a warehouse from now on, until what it answers is called. */
export function hearRequests(hear: (request: ToldRequest) => void): () => void {
  const listener = (message: unknown): void => hear(message as ToldRequest)
  requests.subscribe(listener)
  return () => requests.unsubscribe(listener)
}
