import {counted} from '../base/counted.ts'
import {noCounts, type Counts} from '../model/counts.ts'
import {rowOf, type RunMode} from '../model/run-mode.ts'
import {formatWindow, windowAsText} from '../model/window.ts'
import type {AppliedPlan} from '../run/apply-plan.ts'
import {windowsOf} from '../run/planned-commit.ts'
import type {Plan} from '../run/read-plan.ts'
import {diffOfPlan, type PlanManifest} from '../sink/plan-manifest.ts'
import {formatSpan} from '../base/span.ts'
import {ageOf} from './time-text.ts'
import {diffMemberOf, formatDiff, type DiffContext} from './diff-text.ts'
import type {ApplyDocument} from './documents/apply.ts'
import type {PlanMember, PlanShowDocument} from './documents/plan.ts'
import {formatBytes} from './bytes-text.ts'
import {formatCounts} from './run-summary.ts'

type Masked = (text: string) => string

/** Says which plan is applied, before anything is contacted. */
export function formatPlan({id, manifest}: Plan, now: number): string {
  const {madeAt, expiresAt, warehouse, diff} = manifest
  const {insert, update} = diff.counts
  return `plan ${id} of ${madeAt}: insert ${insert}, update ${update} in ${warehouse.rawObjects} (expires in ${ageOf(Date.parse(expiresAt) - now)})`
}

export function formatApplied(plan: Plan, applied: AppliedPlan, mode: RunMode): string {
  const {linePrefix, lineSuffix} = rowOf(mode)
  const {counts, commits, earlierCommits, runId, seconds, bytesBilled = 0} = applied
  const earlier = earlierCommits === 0 ? [] : [`${counted(earlierCommits, 'commit')} of it were in already.`]
  const billed = bytesBilled === 0 ? [] : [`${plan.manifest.warehouse.type} billed ${formatBytes(bytesBilled)}.`]
  const undo =
    runId === undefined
      ? [`Production is as the plan found it, and ${counted(commits, 'commit')} would do what was planned.`]
      : [`The log tells of it as run ${runId}, which can be undone: lorchestra runs undo ${runId}`]
  return [
    `${linePrefix}${plan.manifest.job}: ${formatCounts(counts, undefined)}, completed in ${formatSpan(seconds * 1000)}${lineSuffix}`,
    ...[...earlier, ...billed, ...undo].map((line) => `  ${line}`),
  ].join('\n')
}

export const applyDocumentOf = (plan: Plan, applied: AppliedPlan): ApplyDocument => ({
  schema: 1,
  plan: planMemberOf(plan),
  run_id: applied.runId ?? null,
  commits: applied.commits,
  earlier_commits: applied.earlierCommits,
  counts: applied.counts,
  ...(applied.bytesBilled !== undefined && {bytes_billed: applied.bytesBilled}),
  duration_seconds: applied.seconds,
})

/** Gives all that a plan says, but for its records. */
export function formatPlanShown(plan: Plan, now: number, maskSecrets: Masked): string {
  const {id, manifest} = plan
  const {job, account, source, madeAt, readAt, expiresAt, warehouse, lorchestra, commits} = manifest
  const left = Date.parse(expiresAt) - now
  const whose = account === null ? source : `${source}, account ${account}`
  return [
    `plan ${id}`,
    ...[
      `${job} (${whose}): ${windowsOf(commits).map(formatWindow).join('; ')}`,
      `read at ${readAt}, made at ${madeAt} by lorchestra ${lorchestra}`,
      left > 0 ? `expires at ${expiresAt}, in ${ageOf(left)}` : `expired at ${expiresAt}`,
      `for ${warehouse.eventLog} and ${warehouse.rawObjects} in ${warehouse.type} ${warehouse.place}`,
      `${counted(commits.length, 'commit')}; ${formatCounts(countsOf(manifest), {samples: [], duplicates: 0})}`,
      ...formatDiff(diffOfPlan(manifest), contextOf(manifest, maskSecrets)),
    ].map((line) => `  ${line}`),
  ].join('\n')
}

export const planShowDocumentOf = (plan: Plan, maskSecrets: Masked): PlanShowDocument => ({
  schema: 1,
  plan: planMemberOf(plan),
  windows: windowsOf(plan.manifest.commits).map(windowAsText),
  counts: {...countsOf(plan.manifest), inserted: null, updated: null, unchanged: null, duplicates: null},
  diff: diffMemberOf(diffOfPlan(plan.manifest), contextOf(plan.manifest, maskSecrets)),
})

const planMemberOf = ({id, manifest}: Plan): PlanMember => ({
  id,
  job: manifest.job,
  source: manifest.source,
  account: manifest.account,
  made_at: manifest.madeAt,
  read_at: manifest.readAt,
  expires_at: manifest.expiresAt,
  version: manifest.lorchestra,
  warehouse: {
    type: manifest.warehouse.type,
    place: manifest.warehouse.place,
    event_log: manifest.warehouse.eventLog,
    raw_objects: manifest.warehouse.rawObjects,
  },
  commits: manifest.commits.length,
})

const countsOf = ({counts}: PlanManifest): Counts => ({...noCounts(), ...counts})

const contextOf = ({counts}: PlanManifest, maskSecrets: Masked): DiffContext => ({
  isWritten: false,
  rejected: counts['rejected'] ?? 0,
  known: counts['known'] ?? 0,
  maskSecrets,
})
