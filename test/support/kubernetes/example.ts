import {readFile, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {parseAllDocuments} from 'yaml'

import type {Resource} from './api.ts'
import type {ControlPlane} from './control-plane.ts'

const EXAMPLE = resolve(import.meta.dirname, '../../../examples/kubernetes-indexed-job.yaml')

/** What examples/kubernetes-indexed-job.yaml says of itself. */
export interface ExampleJob {
  readonly completions: number
  /** Attempts of one index that may fail before it is given up. */
  readonly retries: number
  readonly args: readonly string[]
}

export async function readExample(): Promise<ExampleJob> {
  const [cronJob] = parseAllDocuments(await readFile(EXAMPLE, 'utf8')).map((document) => document.toJS() as CronJob)
  if (cronJob === undefined) throw new Error('the example is empty')
  const {completions, backoffLimitPerIndex, template} = cronJob.spec.jobTemplate.spec
  return {completions, retries: backoffLimitPerIndex, args: template.spec.containers[0].args}
}

interface CronJob {
  readonly spec: {
    readonly jobTemplate: {
      readonly spec: {
        readonly completions: number
        readonly backoffLimitPerIndex: number
        readonly template: {readonly spec: {readonly containers: readonly [{readonly args: readonly string[]}]}}
      }
    }
  }
}

/** Does what the head of the example says, word for word; nothing of the manifest is changed, but its hour is not waited for. */
export async function applyExample(
  {kubectl}: ControlPlane,
  files: {folder: string; yaml: string; env: string},
): Promise<void> {
  await writeFile(join(files.folder, 'lorchestra.yaml'), files.yaml)
  await writeFile(join(files.folder, '.env'), files.env)
  await kubectl('create configmap lorchestra --from-file lorchestra.yaml', files.folder)
  await kubectl('create secret generic lorchestra --from-env-file .env', files.folder)
  await kubectl(`apply --filename ${EXAMPLE}`, files.folder)
  await kubectl(`patch cronjob lorchestra --patch {"spec":{"suspend":true}}`, files.folder)
}

export async function exchangeConfiguration(
  {kubectl}: ControlPlane,
  files: {folder: string; yaml: string},
): Promise<void> {
  await writeFile(join(files.folder, 'lorchestra.yaml'), files.yaml)
  await kubectl('delete configmap lorchestra', files.folder)
  await kubectl('create configmap lorchestra --from-file lorchestra.yaml', files.folder)
}

export type Job = Resource & {
  readonly status: {
    readonly conditions?: readonly {readonly type: string; readonly status: string; readonly message?: string}[]
    readonly succeeded?: number
    readonly failed?: number
    readonly completedIndexes?: string
    readonly failedIndexes?: string
  }
}

/** Starts a Job of the example's schedule, and waits until its controller says that it is complete or failed. */
export async function runJob({kubectl, api}: ControlPlane, name: string, folder: string): Promise<Job['status']> {
  await kubectl(`create job ${name} --from=cronjob/lorchestra`, folder)
  const path = `/apis/batch/v1/namespaces/default/jobs?fieldSelector=metadata.name%3D${name}`
  for await (const {status} of api.watch<Job>(path)) {
    const ended = status.conditions?.some(
      ({type, status: is}) => (type === 'Complete' || type === 'Failed') && is === 'True',
    )
    if (ended === true) return status
  }
  throw new Error(`the Job ${name} was not watched to its end`)
}
