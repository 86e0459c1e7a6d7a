import {messageWithCauses} from '../base/errors.ts'
import type {JobRun} from './job-run.ts'

/** Counts what runs of the job rejected and none stored since, where this one rejected any or fetched some again. */
export async function countOpenRejects(
  {request, sink, job, log}: Pick<JobRun, 'request' | 'sink' | 'job' | 'log'>,
  rejected: number,
): Promise<number | undefined> {
  if (request.again === undefined && rejected === 0) return undefined
  try {
    return await sink.countOpenRejects(job)
  } catch (error) {
    // All is written by now.
    log.warn(`how many records of ${job} are rejected by now could not be found out: ${messageWithCauses(error)}`)
    return undefined
  }
}
