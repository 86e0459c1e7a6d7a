import {tellRequest} from '../told-requests.ts'
import {ServiceError} from './service-error.ts'

interface AskedRequest {
  readonly method: string
  readonly path: string
  /** It is a job where one is submitted. */
  readonly body: {readonly jobReference?: {readonly jobId?: string}} | undefined
}

export interface Answered<Answer> {
  readonly answer: Answer
  readonly status: number | undefined
}

/** Asks, and tells whoever listens which request it was, how it was answered, and how long that took. */
export async function toldRequest<Answer>(
  {method, path, body}: AskedRequest,
  ask: () => Promise<Answered<Answer>>,
): Promise<Answer> {
  const sentAt = performance.now()
  const tell = (status: number | undefined, problem?: string): void =>
    tellRequest({
      name: `BigQuery ${method} ${path}`,
      status,
      problem,
      milliseconds: Math.round(performance.now() - sentAt),
      jobId: body?.jobReference?.jobId,
    })
  try {
    const {answer, status} = await ask()
    tell(status)
    return answer
  } catch (error) {
    if (error instanceof ServiceError) tell(error.status, error.reason)
    else tell(undefined, 'given up')
    throw error
  }
}
