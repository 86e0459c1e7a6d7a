import type {Config as CommandLine} from '@oclif/core'

import {createLogger, type LogLevel} from '../base/log.ts'
import type {Mask} from '../base/mask.ts'
import type {Config} from '../config/config.ts'
import {readPlan} from '../run/read-plan.ts'
import {readTestTables} from '../run/test-tables.ts'
import {testTablesRequest} from '../run/test-tables-request.ts'
import type {DiffMember} from './documents/diff.ts'
import type {ReportDocument} from './documents/report.ts'
import {readKept} from './kept-differences.ts'
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

type Differences = Pick<ReportDocument, 'plan' | 'comparisons' | 'last_diffs' | 'last_comparisons'>

/**
 * Reads the diff that a plan holds, and compares test tables with production, where somebody asked for it; of all other jobs
 * what was compared last.
 */
export async function readDifferences(asked: AskedDifferences): Promise<Differences> {
  const {plan, compare, config, commandLine, mask, logLevel, diffSamples} = asked
  const comparisons: ReportDocument['comparisons'][number][] = []
  for (const job of compare) {
    const request = await testTablesRequest(asked, {job, diffSamples})
    const {comparison} = comparisonDocumentOf(job, await readTestTables(request), request, mask.apply)
    comparisons.push({job, comparison})
  }
  const place = {dataDir: commandLine.dataDir, configPath: config.path}
  const {diffs, comparisons: last} = await readKept(place, await createLogger(logLevel, mask))
  return {
    plan: plan === undefined ? null : await planMemberOf(plan, mask, diffSamples),
    comparisons,
    last_diffs: diffs.map((kept) => ({...kept, diff: withRows(kept.diff, diffSamples)})),
    last_comparisons: last
      .filter(({job}) => !compare.includes(job))
      .map((kept) => ({...kept, comparison: withRows(kept.comparison, diffSamples)})),
  }
}

const withRows = <Shown extends {readonly samples: DiffMember['samples']}>(shown: Shown, most: number): Shown => ({
  ...shown,
  samples: firstOfEachKind(shown.samples, most),
})

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
    diff: withRows(shown.diff, samples),
  }
}

const firstOfEachKind = (samples: DiffMember['samples'], most: number): DiffMember['samples'] =>
  (['update', 'insert', 'delete'] as const).flatMap((kind) =>
    samples.filter((sample) => sample.kind === kind).slice(0, most),
  )
