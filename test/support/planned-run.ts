import {createHash} from 'node:crypto'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {WarehouseConfig} from '../../src/config/config.ts'
import {applyPlan, type AppliedPlan} from '../../src/run/apply-plan.ts'
import type {FinishedRun} from '../../src/run/finished-run.ts'
import {assertApplicable, readPlan} from '../../src/run/read-plan.ts'
import {savePlan} from '../../src/run/save-plan.ts'
import type {RunMode} from '../../src/model/run-mode.ts'
import {lastLine, LAST_LINE_BYTES} from '../../src/sink/plan-file-layout.ts'
import {PlanFile} from '../../src/sink/plan-file.ts'
import type {StreamScope, Warehouse} from '../../src/warehouse/warehouse.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION, type ScriptedRun} from './scripted-run.ts'
import {DAY, type WarehouseUnderTest} from './warehouse-contract.ts'

/** Whatever it is, plans are made for it and applied to it. */
export const SETTINGS: WarehouseConfig = {type: 'duckdb', tables: PRODUCTION, settings: {path: '/somewhere.duckdb'}}

type Run = Omit<ScriptedRun, 'folder' | 'mode' | 'diffSamples' | 'plan'>

export interface ToPlan {
  readonly name?: string
  readonly expiresAfter?: number
  readonly objectTypes?: readonly string[]
}

const scopesOf = ({job = 'job', account = 'acct1', selection = 'all'}: Run, objectTypes: readonly string[]) =>
  objectTypes.map((objectType): StreamScope => ({
    job,
    account,
    selection,
    stream: {sourceSystem: `scripted--${account}`, objectType},
  }))

/** Makes a plan of a run as `run --dry-run --diff --out` does. */
export async function planOf(
  under: WarehouseUnderTest,
  run: Run,
  {name = 'made', expiresAfter = DAY, objectTypes = ['thing']}: ToPlan = {},
): Promise<{readonly path: string; readonly run: FinishedRun}> {
  const path = join(under.folder, `${name}.lorplan`)
  const request = {
    out: {path, expiresAfter},
    version: '1.2.3',
    settings: SETTINGS,
    warehouse: under.open(),
    scopes: scopesOf(run, objectTypes),
    maskSecrets: (text: string) => text,
  }
  const finished = await savePlan(request, async (plan) => {
    const report = await under.run({...run, mode: 'dry-run', diffSamples: 3, plan})
    const {runId, preview, diff} = report
    return {
      description: {
        job: run.job ?? 'job',
        mode: 'dry-run',
        warehouse: 'DuckDB',
        written: undefined,
        source: 'scripted',
        account: run.account ?? 'acct1',
        notes: [],
      },
      runId,
      startedAt: new Date(run.now ?? Date.now()),
      seconds: 0,
      report,
      preview,
      diff,
      storedUnknown: false,
      limited: false,
    }
  })
  return {path, run: finished}
}

/** Makes it a plan of the time when they had no digests. */
export async function withoutDigests(path: string): Promise<void> {
  const file = await PlanFile.open(path)
  await file.close()
  const manifest = file.manifest.replaceAll(/,"digest":"[0-9a-f]+"/g, '')
  if (manifest === file.manifest) throw new Error('there is no digest')
  const members = (await readFile(path)).subarray(0, -Buffer.byteLength(file.manifest) - LAST_LINE_BYTES)
  const end = lastLine(createHash('sha256').update(manifest).digest('hex'), Buffer.byteLength(manifest))
  await writeFile(path, Buffer.concat([members, Buffer.from(`${manifest}${end}`)]))
}

export interface ToApply {
  readonly mode?: RunMode
  readonly expected?: string
  readonly now?: number
  readonly settings?: WarehouseConfig
  readonly warehouse?: (real: Warehouse) => Warehouse
  readonly signal?: AbortSignal
}

/** Applies a plan as the command does. */
export async function apply(
  under: Pick<WarehouseUnderTest, 'folder' | 'open'>,
  path: string,
  {mode = 'production', expected, now = Date.now(), settings = SETTINGS, warehouse, signal}: ToApply = {},
): Promise<AppliedPlan> {
  const plan = await readPlan(path)
  try {
    assertApplicable(plan, {warehouse: settings, now, expected})
    const real = under.open(signal)
    return await withRunMode(mode, async () =>
      applyPlan({
        plan,
        warehouse: warehouse?.(real) ?? real,
        production: PRODUCTION,
        mode,
        folderOf: (runId) => join(under.folder, 'spool', runId),
        signal: signal ?? new AbortController().signal,
        maskSecrets: (text) => text,
      }),
    )
  } finally {
    await plan.file.close()
  }
}
