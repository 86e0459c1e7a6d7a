/** An attempt of the same task has the same claim: engine, execution, index. Whoever has it was started in the place of the other. */
export type Claim = string

/** Engines name an execution and a task in it by these; the second attempt of a task is told the same. */
const ENGINES = [
  // Kubernetes names them where the Pod's template asks for it, as examples/kubernetes-indexed-job.yaml does.
  {engine: 'kubernetes', execution: 'LORCHESTRA_KUBERNETES_JOB', index: 'JOB_COMPLETION_INDEX'},
  {engine: 'cloud-run', execution: 'CLOUD_RUN_EXECUTION', index: 'CLOUD_RUN_TASK_INDEX'},
  // The id of a task of an array ends with its index.
  {engine: 'aws-batch', execution: 'AWS_BATCH_JOB_ID', index: undefined},
] as const

/** A claim stands in the event log, in one line. */
const LONGEST = 500

/** Gives the claim of this process; `undefined` where nothing in the environment names one. */
export function claimIn(environment: NodeJS.ProcessEnv): Claim | undefined {
  const own = valueOf(environment, 'LORCHESTRA_CLAIM')
  if (own !== undefined) return own
  for (const {engine, execution, index} of ENGINES) {
    const parts = [valueOf(environment, execution), index === undefined ? '0' : valueOf(environment, index)]
    if (parts.every((part) => part !== undefined)) return [engine, ...parts].join('/')
  }
  return undefined
}

function valueOf(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = environment[name]?.trim() ?? ''
  return value === '' ? undefined : value.slice(0, LONGEST)
}
