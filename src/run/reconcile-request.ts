import {join} from 'node:path'

import {runSettings} from '../config/job-settings.ts'
import type {RunMode} from '../model/run-mode.ts'
import {openSink} from '../sink/open-sink.ts'
import type {SinkOptions} from '../sink/sink.ts'
import {jsonSchemaOf} from '../config/options-schema.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {openWarehouse, outsideOfRuns} from '../warehouse/open-warehouse.ts'
import {askedJob, type JobQuestion} from './job-scopes.ts'
import type {JobToLogDeletions} from './log-deletions.ts'
import type {JobToReconcile} from './reconcile-job.ts'
import {createRunId} from './run-id.ts'

export interface ReconcileRequest extends JobToReconcile {
  /** The job wants nothing from before its `start:`, which a listing has all the same. */
  readonly hasStart: boolean
}

/** Makes a job ready to be reconciled: as for a run, but without a sink. */
export async function reconcileRequest(question: JobQuestion, name: string): Promise<ReconcileRequest> {
  const {config, commandLine, log, mask, signal} = question
  const {job, source, secrets, resolved} = await askedJob(question, name)
  await assertSignedIn(job, source, resolved.options, secrets)
  const {start, maxRejects} = runSettings(job, source.defaults)
  const runId = createRunId(job.name, new Date())
  return {
    source,
    options: resolved.options,
    job: job.name,
    account: job.account ?? null,
    sourceSystem: job.sourceSystem,
    selection: resolved.selectionHash,
    narrowing: narrowingIn(job.options, source),
    hasStart: Number.isFinite(start),
    runId,
    maskSecrets: mask.apply,
    warehouse: await openWarehouse(config.warehouse, outsideOfRuns(signal)),
    production: config.warehouse.tables,
    folder: join(commandLine.cacheDir, 'spool', runId),
    secrets,
    log,
    signal,
    maxRejects,
    now: () => new Date(),
    observe: () => {},
  }
}

/** Makes a job ready to have what is gone logged as deleted, in the mode that the command read from its own flags. */
export function deletionsToLog(
  request: ReconcileRequest,
  {mode, maxDeleted}: {readonly mode: RunMode; readonly maxDeleted: number},
): JobToLogDeletions {
  const {warehouse, production, folder} = request
  const options: SinkOptions = {
    production,
    openWarehouse: () => Promise.resolve(warehouse),
    folder: `${folder}-log`,
    needsCoverage: true,
    samples: 0,
    hiddenPaths: [],
  }
  return {...request, sink: openSink(options, mode), maxDeleted}
}

/**
 * Gives the options of the job that may leave records out of what is listed. Where the source does not say which those are, each
 * that says which records are read counts, but for those that every job has.
 */
export function narrowingIn(
  options: Readonly<Record<string, unknown>>,
  source: Pick<HostedSource, 'selection' | 'narrowing' | 'options'>,
): readonly string[] {
  const {selection = [], narrowing = withoutRequired(selection, source)} = source
  return narrowing.filter((name) => options[name] !== undefined)
}

function withoutRequired(selection: readonly string[], source: Pick<HostedSource, 'options'>): readonly string[] {
  const required = requiredIn(jsonSchemaOf(source))
  return selection.filter((name) => !required.includes(name))
}

function requiredIn(schema: unknown): readonly unknown[] {
  if (typeof schema !== 'object' || schema === null || !('required' in schema)) return []
  return Array.isArray(schema.required) ? (schema.required as readonly unknown[]) : []
}
