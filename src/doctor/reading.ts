import type {Job} from '../config/jobs.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import type {Answer} from './finding.ts'
import {withTrial, type AccountCheck} from './trial.ts'

/** Begins to read what the job's options select, of the last hour, and ends with the first page: only the service knows its own words. */
export async function checkReading(
  request: AccountCheck,
  job: Job,
  source: HostedSource,
  options: unknown,
): Promise<Answer> {
  const extracted = await withTrial(request, job, source, options, async (context) => {
    // Leaving the loop ends the reading.
    for await (const page of source.extract(context, {records: 1})) return page.extracted
    return 0
  })
  return `takes what the job asks for; ${extracted === 0 ? 'nothing' : 'something'} is there of the last hour`
}
