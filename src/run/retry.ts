import type {Config} from '../config/config.ts'
import {jobEntry} from '../config/jobs.ts'
import type {Reject} from '../warehouse/warehouse.ts'
import {readAgain, readsOtherRecords, type ReadAgain} from './read-again.ts'
import type {ReadRequest} from './window-request.ts'

export interface Retry {
  readonly job: string
  readonly account: string | undefined
  readonly read: ReadRequest
}

/** Asks for what open rejects were met in, for the account that they are of. Throws where their job is gone or another by now. */
export function retryOf(config: Config, rejects: readonly Reject[]): Retry {
  const again = readAgain(rejects)
  const {account} = jobEntry(config, again.job)
  if ((account === undefined) !== (again.account === null)) throw readsOtherRecords(again.job)
  return {
    job: again.job,
    account: again.account ?? undefined,
    read: {request: {full: false, refetch: true, again}, notes: [noteOn(rejects, again)]},
  }
}

/** Leaves out what `run --account` met of other accounts than the job's own. */
export const ofItsAccount = (config: Config, job: string, rejects: readonly Reject[]): readonly Reject[] => {
  const account = jobEntry(config, job).account ?? null
  return rejects.filter(({rejectedIn}) => rejectedIn === undefined || rejectedIn.account === account)
}

const noteOn = (rejects: readonly Reject[], {spans}: ReadAgain): string =>
  `reading again what ${rejects.length === 1 ? '1 rejected record was' : `${rejects.length} rejected records were`} met in, ${spans.length === 1 ? '1 window' : `${spans.length} windows`}`
