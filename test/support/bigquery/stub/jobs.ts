import type {Answer, Forward, PassedRequest, Rule} from './server.ts'

interface Job {
  readonly jobReference: {readonly projectId: string; readonly jobId: string; readonly location?: string}
}

interface RunningJob {
  /** As the caller asked for it; the emulator gives loads another one. */
  readonly reference: Job['jobReference']
  answer: Answer | undefined
  done: Promise<unknown>
}

/** An id names one job for ever, and a job runs on after it was accepted. */
export class JobsRule implements Rule {
  readonly #jobs = new Map<string, RunningJob>()

  /** When every job that was accepted has ended, whoever waits for it. */
  async settled(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map(async ({done}) => done))
  }

  answer(request: PassedRequest, forward: Forward): Promise<Answer> {
    const {method, path} = request
    if (method === 'POST' && /^(\/upload)?\/jobs$/.test(path)) return Promise.resolve(this.#accept(request, forward))
    const asked = method === 'GET' ? this.#jobs.get(/^\/jobs\/([^/]+)$/.exec(path)?.[1] ?? '') : undefined
    return asked === undefined ? forward() : Promise.resolve(asked.answer ?? inState('RUNNING', asked.reference))
  }

  #accept({json}: PassedRequest, forward: Forward): Answer {
    const reference = (json as Job).jobReference
    const {projectId, jobId, location = 'US'} = reference
    if (this.#jobs.has(jobId)) return refused(409, 'duplicate', `Already Exists: Job ${projectId}:${location}.${jobId}`)
    const job: RunningJob = {reference, answer: undefined, done: Promise.resolve()}
    this.#jobs.set(jobId, job)
    const failed = (error: unknown): Answer =>
      failedJob(reference, 'internalError', error instanceof Error ? error.message : 'unknown')
    job.done = forward()
      .catch(failed)
      .then((answer) => (job.answer = underItsOwnId(answer, reference)))
    return inState('PENDING', reference)
  }
}

function underItsOwnId({status, json}: Answer, reference: Job['jobReference']): Answer {
  if (status === 200) return {status, json: {...(json as Job), jobReference: reference}}
  const {error} = json as {error: {message: string; errors: readonly {reason: string}[]}}
  return failedJob(reference, error.errors[0]?.reason ?? 'invalid', error.message)
}

const inState = (state: string, jobReference: Job['jobReference']): Answer => ({
  status: 200,
  json: {jobReference, status: {state}},
})

export const failedJob = (jobReference: object, reason: string, message: string): Answer => ({
  status: 200,
  json: {jobReference, status: {state: 'DONE', errorResult: {reason, message}, errors: [{reason, message}]}},
})

export const refused = (status: number, reason: string, message: string): Answer => ({
  status,
  json: {error: {code: status, message, errors: [{reason, message}]}},
})
