/** The plugin that jobs read of which many run over several tasks: what it gives is the same for each run, and takes a while. */
const DAYS = 40
const RECORDS_OF_DAY = 25
const DAY = 86_400_000
/** Milliseconds. */
const DAY_TAKES = 40
const JOBS_OF_ACCOUNT = 2

/** Milliseconds that a job reads. */
export const JOB_TAKES = DAYS * DAY_TAKES
export const RECORDS_OF_JOB = DAYS * RECORDS_OF_DAY

export interface SlowJobs {
  /** Contents of lorchestra.yaml, which names no warehouse. */
  readonly yaml: string
  /** Contents of .env, which the former needs. */
  readonly env: string
}

/** Jobs of this many accounts; they are called as those of the examples, so that these can be taken as they are. */
export function slowJobs(jobs: number): SlowJobs {
  const from = Math.floor(Date.now() / DAY) - DAYS
  const account = (number: number): string => `account_${Math.floor(number / JOBS_OF_ACCOUNT)}`
  const numbers = Array.from({length: jobs}, (_, number) => number)
  const accounts = [...new Set(numbers.map(account))].map(
    (name) => `  ${name}: {source: slow, token: "\${SLOW_TOKEN}"}\n`,
  )
  const lines = numbers.map((number) => {
    const options = `kind: kind_${number % JOBS_OF_ACCOUNT}, from: ${from}, start: ${new Date(from * DAY).toISOString()}`
    return `  gmail_${String(number).padStart(3, '0')}: {account: ${account(number)}, ${options}}\n`
  })
  return {
    yaml: `accounts:\n${accounts.join('')}jobs:\n${lines.join('')}`,
    env: 'SLOW_TOKEN=a-token-that-is-not-there-by-chance\n',
  }
}

export const SLOW_SOURCE = {
  name: 'slow',
  files: {
    'source.js': `
const validate = (value) => ({value})
export default {
  apiVersion: 1,
  name: 'slow',
  summary: 'records of days',
  options: {'~standard': {version: 1, vendor: 'slow', validate}},
  defaults: {slice: '1d'},
  streams: ({kind}) => [{objectType: kind, windowed: true}],
  idemKey: (record, {objectType, sourceSystem}) => objectType + ':' + sourceSystem + ':' + record.id,
  async *extract({options, window}) {
    for (let day = options.from; day < options.from + ${DAYS}; day += 1) {
      const at = day * ${DAY}
      if (at < (window.since?.getTime() ?? 0) || at >= window.until.getTime()) continue
      await new Promise((resolve) => setTimeout(resolve, ${DAY_TAKES}))
      yield {records: Array.from({length: ${RECORDS_OF_DAY}}, (_, n) => ({id: day + '-' + n, at: new Date(at).toISOString()}))}
    }
  },
}
`,
  },
}
