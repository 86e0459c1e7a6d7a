import type {Config as CommandLine} from '@oclif/core'

import type {LogLevel} from '../base/log.ts'
import type {Mask} from '../base/mask.ts'
import type {Config} from '../config/config.ts'
import {readPlan} from '../run/read-plan.ts'
import {readTestTables} from '../run/test-tables.ts'
import {testTablesRequest} from '../run/test-tables-request.ts'
import type {DiffMember} from './documents/diff.ts'
import type {ReportDocument} from './documents/report.ts'
import {planShowDocumentOf} from './plan-text.ts'
import {comparisonDocumentOf} from './test-tables-text.ts'

export interface AskedDifferences {
  readonly config: Config
  readonly commandLine: CommandLine
  readonly mask: Mask
  readonly logLevel: LogLevel
  /** The path of a plan. */
  readonly plan: string | undefined
  /** The jobs whose test tables are compared with production. */
  readonly compare: readonly string[]
  /** So many rows of each kind are shown. */
  readonly diffSamples: number
}

/** Reads the diff that a plan holds, and compares test tables with production, where somebody asked for it. */
export async function readDifferences(asked: AskedDifferences): Promise<Pick<ReportDocument, 'plan' | 'comparisons'>> {
  const {plan, compare, mask, diffSamples} = asked
  const comparisons: ReportDocument['comparisons'][number][] = []
  for (const job of compare) {
    const request = await testTablesRequest(asked, {job, diffSamples})
    const {comparison} = comparisonDocumentOf(job, await readTestTables(request), request, mask.apply)
    comparisons.push({job, comparison})
  }
  return {plan: plan === undefined ? null : await planMemberOf(plan, mask, diffSamples), comparisons}
}

async function planMemberOf(path: string, mask: Mask, samples: number): Promise<ReportDocument['plan']> {
  const plan = await readPlan(path)
  await plan.file.close()
  const shown = planShowDocumentOf(plan, mask.apply)
  const {id, job, account, made_at, expires_at} = shown.plan
  return {
    id,
    job,
    account,
    made_at,
    expires_at,
    windows: shown.windows,
    diff: {...shown.diff, samples: firstOfEachKind(shown.diff.samples, samples)},
  }
}

const firstOfEachKind = (samples: DiffMember['samples'], most: number): DiffMember['samples'] =>
  (['update', 'insert', 'delete'] as const).flatMap((kind) =>
    samples.filter((sample) => sample.kind === kind).slice(0, most),
  )
