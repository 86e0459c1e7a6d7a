import {join} from 'node:path'

import {createMask} from '../../src/base/mask.ts'
import type {JobToReconcile} from '../../src/run/reconcile-job.ts'
import {inProcessSource} from '../../src/sources/box/in-process-source.ts'
import type {Source} from '../../src/source.ts'
import type {Warehouse} from '../../src/warehouse/warehouse.ts'
import {PRODUCTION, silentLog} from './scripted-run.ts'

interface Given extends Partial<JobToReconcile> {
  readonly warehouse: Warehouse
}

/** Makes a job of a scripted source ready to be reconciled, in this process, with the names that scripted runs have. */
export const jobToReconcile = (
  source: Source,
  where: {readonly folder: string; readonly now: number},
  given: Given,
): JobToReconcile => ({
  source: inProcessSource(source, {
    http: {request: () => Promise.reject(new Error('no network in this test'))},
    resolvePath: (path) => path,
  }),
  options: {},
  job: 'job',
  account: 'acct1',
  sourceSystem: 'scripted--acct1',
  selection: 'all',
  narrowing: [],
  runId: 'reconcile',
  maskSecrets: createMask().apply,
  production: PRODUCTION,
  folder: join(where.folder, 'spool', 'reconcile'),
  secrets: {get: () => Promise.resolve(undefined), update: async (_name, change) => change(undefined)},
  log: silentLog,
  signal: new AbortController().signal,
  maxRejects: 0,
  now: () => new Date(where.now),
  observe: () => {},
  ...given,
})
