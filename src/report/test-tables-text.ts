import {counted} from '../base/counted.ts'
import {noCounts} from '../model/counts.ts'
import {cursorOf, formatWindow, windowAsText, type TimeWindow} from '../model/window.ts'
import type {PromotionReport} from '../run/promote-job.ts'
import type {ListedTestTables, TestTablesRequest, TestTablesState} from '../run/test-tables.ts'
import {testSetArgument, testTablesOf} from '../model/tables.ts'
import type {DescribedTable} from '../warehouse/warehouse.ts'
import type {Screen} from '../base/screen.ts'
import {formatSpan} from '../base/span.ts'
import {ageOf} from './time-text.ts'
import {formatInserted, formatMore, formatPaths, formatUpdated, samplesOf} from './diff-text.ts'
import type {ComparisonMember, TestCompareDocument} from './documents/test-compare.ts'
import type {TestListDocument} from './documents/test-list.ts'
import type {TestPromoteDocument} from './documents/test-promote.ts'
import {formatRuns, pastRunMemberOf} from './past-runs-text.ts'

type Masked = (text: string) => string
type Request = TestTablesRequest & {readonly start: number}

const NUMBER = new Intl.NumberFormat('en-US')

/** Gives each set in a paragraph of its own. */
export function formatTestSets(sets: readonly ListedTestTables[], screen: Screen): string {
  const [first] = sets
  if (first === undefined || (sets.length === 1 && first.tables.every(({exists}) => !exists)))
    return `There are no test tables: lorchestra run JOB --test-table${testSetArgument(first)} makes them.`
  return sets.map((set) => formatTestTables(set, screen)).join('\n\n')
}

function formatTestTables({tables, runs}: ListedTestTables, screen: Screen): string {
  const {now} = screen
  const lines = tables.map((table) => formatTable(table, now))
  const oldest = runs.at(-1)
  const whose = runs.length === 1 ? 'The only run' : `The oldest of ${NUMBER.format(runs.length)} runs`
  const age = oldest === undefined ? [] : [`${whose} is ${ageOf(now - oldest.startedAt)} old.`]
  return [...lines, ...age, '', formatRuns(runs, screen)].join('\n')
}

function formatTable({name, exists, rows, expires}: DescribedTable, now: number): string {
  if (!exists) return `${name}  is not there`
  const parts = [
    ...(rows === undefined ? [] : [counted(rows, 'row')]),
    ...(expires === undefined ? [] : [`expires in ${ageOf(expires - now)}`]),
  ]
  return [name, ...parts].join('  ')
}

export const testListDocumentOf = (sets: readonly ListedTestTables[]): TestListDocument => ({
  schema: 1,
  sets: sets.map(({testSet, tables, runs}) => ({
    test_set: testSet ?? null,
    tables: tables.map(({name, exists, rows, expires}) => ({
      name,
      exists,
      rows: rows ?? null,
      expires: expires === undefined ? null : new Date(expires).toISOString(),
    })),
    runs: runs.map(pastRunMemberOf),
  })),
})

/** Gives what the test tables hold of a job, beside production. */
export function formatComparison(state: TestTablesState, request: Request, maskSecrets: Masked): string {
  return [...coverageLines(state, request), ...differenceLines(state, maskSecrets)].join('\n')
}

export const comparisonDocumentOf = (
  job: string,
  state: TestTablesState,
  request: Request,
  maskSecrets: Masked,
): TestCompareDocument => ({schema: 1, job, comparison: comparisonMemberOf(state, request, maskSecrets)})

export function formatPromotion(
  job: string,
  {state, promoted, changed, leavesBookmark, seconds}: PromotionReport,
  request: Request,
  maskSecrets: Masked,
): string {
  const {insert, update, newer, unchanged} = state.diff.counts
  const table = testTablesOf(request.production).rawObjects
  const kept = changed === 'take' ? newer : update + newer
  const skipped = kept === 0 ? [] : [`${counted(kept, 'row')} with another value stay as production has them.`]
  const bookmark = leavesBookmark
    ? ['The bookmark of the test runs is left behind: production goes on from what it has read itself.']
    : []
  if (promoted === undefined) {
    const updated = changed === 'take' ? update : 0
    return [
      ...coverageLines(state, request),
      `[DRY-RUN] ${job}: would insert ${NUMBER.format(insert)}, update ${NUMBER.format(updated)}, leave ${NUMBER.format(unchanged + kept)} unchanged from ${table} (no writes)`,
      ...[...skipped, ...bookmark, ...differenceLines(state, maskSecrets).slice(1)].map(indent),
    ].join('\n')
  }
  const {counts, runId} = promoted
  const cursor = cursorLine(state, request)
  return [
    `✓ ${job}: ${NUMBER.format(counts.inserted)} inserted, ${NUMBER.format(counts.updated)} updated, ${NUMBER.format(counts.unchanged)} unchanged from ${table}, completed in ${formatSpan(seconds * 1000)} (nothing was read again)`,
    ...[
      ...skipped,
      ...bookmark,
      ...(cursor === undefined ? [] : [`The next plain run begins at ${cursor}.`]),
      `The log tells of it as run ${runId}. The test tables are still there: lorchestra test drop${testSetArgument(request.production)}`,
    ].map(indent),
  ].join('\n')
}

export function promotionDocumentOf(
  job: string,
  {state, promoted, changed, leavesBookmark}: PromotionReport,
  request: Request,
  maskSecrets: Masked,
): TestPromoteDocument {
  return {
    schema: 1,
    job,
    promoted: promoted === undefined ? null : {run_id: promoted.runId, counts: {...noCounts(), ...promoted.counts}},
    changed,
    bookmark_left: leavesBookmark,
    comparison: comparisonMemberOf(state, request, maskSecrets),
  }
}

function comparisonMemberOf(state: TestTablesState, {scopes}: Request, maskSecrets: Masked): ComparisonMember {
  const {insert, update, newer, unchanged} = state.diff.counts
  return {
    counts: {insert, update, newer, unchanged, only_in_production: onlyStored(state)},
    paths: state.diff.paths.map(({path, records}) => ({path: maskSecrets(path), records})),
    samples: samplesOf(state.diff, maskSecrets),
    streams: scopes.map(({stream}, index) => ({
      source_system: stream.sourceSystem,
      object_type: stream.objectType,
      test: (state.test[index]?.covered ?? []).map(windowAsText),
      production: (state.production[index]?.covered ?? []).map(windowAsText),
    })),
    test_runs: state.runs.map(({runId}) => runId),
    production_runs: state.productionRuns.map(({runId}) => runId),
  }
}

function coverageLines({test, production, runs}: TestTablesState, {production: tables}: Request): readonly string[] {
  const names = [testTablesOf(tables).rawObjects, tables.rawObjects]
  const width = Math.max(...names.map((name) => name.length))
  const first = runs[0]
  const noun = runs.length === 1 ? 'run' : 'runs'
  const about =
    first === undefined ? '' : `   (${runs.length} ${noun}, the first of ${new Date(first.startedAt).toISOString()})`
  return [test, production].map((states, index) => {
    const windows = states.flatMap(({covered}) => covered)
    return `${(names[index] ?? '').padEnd(width)}  covers ${formatCovered(windows)}${index === 0 ? about : ''}`
  })
}

const formatCovered = (windows: readonly TimeWindow[]): string => {
  const distinct = [...new Set(windows.map(formatWindow))]
  return distinct.length === 0 ? 'nothing' : distinct.join('; ')
}

function differenceLines(state: TestTablesState, maskSecrets: Masked): readonly string[] {
  const {diff, productionRuns} = state
  const {insert, update, newer, unchanged} = diff.counts
  const parts = [
    `${NUMBER.format(insert)} new`,
    `${NUMBER.format(unchanged)} same`,
    `${NUMBER.format(update + newer)} changed`,
  ]
  const moved =
    productionRuns.length === 0
      ? []
      : [`production was written to since the test run began: ${productionRuns.map(({runId}) => runId).join(', ')}`]
  return [
    `${parts.join('   ')}   ${NUMBER.format(onlyStored(state))} only in production`,
    ...moved,
    ...formatPaths(diff),
    ...diff.updated.flatMap((sample) => formatUpdated(sample, maskSecrets)),
    ...diff.inserted.map((sample) => formatInserted(sample, maskSecrets)),
    ...formatMore(diff),
  ].map(indent)
}

const onlyStored = ({compared}: TestTablesState): number =>
  [...compared.byObjectType.values()].reduce((sum, rows) => sum + rows.onlyStored, 0)

function cursorLine({test, production}: TestTablesState, {start}: Request): string | undefined {
  const cursors = test.map(({covered}, index) => cursorOf(start, [...covered, ...(production[index]?.covered ?? [])]))
  const cursor = Math.min(...cursors)
  return Number.isFinite(cursor) ? new Date(cursor).toISOString() : undefined
}

const indent = (line: string): string => `  ${line}`
