import {join} from 'node:path'

import {runSettings} from '../config/job-settings.ts'
import {jsonSchemaOf} from '../config/options-schema.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {openWarehouse} from '../warehouse/open-warehouse.ts'
import {askedJob, type JobQuestion} from './job-scopes.ts'
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
    warehouse: await openWarehouse(config.warehouse),
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

/**
 * Gives the options that say which records are read and that the job could do without. Whether one leaves records out, only the
 * source knows, so each of them counts.
 */
export function narrowingIn(
  options: Readonly<Record<string, unknown>>,
  source: Pick<HostedSource, 'selection' | 'options'>,
): readonly string[] {
  const required = requiredIn(jsonSchemaOf(source))
  return (source.selection ?? []).filter((name) => options[name] !== undefined && !required.includes(name))
}

function requiredIn(schema: unknown): readonly unknown[] {
  if (typeof schema !== 'object' || schema === null || !('required' in schema)) return []
  return Array.isArray(schema.required) ? (schema.required as readonly unknown[]) : []
}
