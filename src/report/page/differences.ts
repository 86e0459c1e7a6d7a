import type {ReportDocument} from '../documents/report.ts'
import {html, type Html} from './html.ts'
import {barsOf, tableOf} from './table.ts'
import {counted, timeElement} from './words.ts'

type Planned = NonNullable<ReportDocument['plan']>
type Compared = ReportDocument['comparisons'][number]
type LastDiff = ReportDocument['last_diffs'][number]
type LastComparison = ReportDocument['last_comparisons'][number]
type Sample = Planned['diff']['samples'][number]

/** Shows the diff of the plan, and test tables beside production, where they were asked for, and what was compared last. */
export function differencesSection(report: ReportDocument): Html {
  const {plan, comparisons, last_diffs: diffs, last_comparisons: last} = report
  if (plan === null && [...comparisons, ...diffs, ...last].length === 0)
    return html`<p class="empty">
      Nothing was compared here within 14 days: <code>run JOB --dry-run --diff</code> and
      <code>test compare JOB</code> do. <code>--plan FILE</code> shows the diff that a plan holds, and
      <code>--compare JOB</code> compares the test tables of a job with production now.
    </p>`
  return html`${plan === null ? undefined : planOf(plan)}${comparisons.map(comparisonOf)}${diffs.map(lastDiffOf)}${last.map(lastComparisonOf)}`
}

const planOf = ({id, job, made_at: made, expires_at: expires, diff}: Planned): Html =>
  html`<h3>What a plan of ${job} would do</h3>
    <p>Plan <code>${id}</code>, made ${timeElement(made)}, expires ${timeElement(expires)}; ${comparedWith(diff)}.</p>
    ${diffOf(`What the plan of ${job} would do`, job, diff)}`

const lastDiffOf = ({job, run_id: runId, diff}: LastDiff): Html =>
  html`<h3>What the last dry run of ${job} would have done</h3>
    <p>Run <code>${runId}</code>, ${comparedWith(diff)}.</p>
    ${diffOf(`What the last dry run of ${job} would have done`, job, diff)}`

const comparedWith = ({compared: {table, exists, at}}: Planned['diff']): Html =>
  exists
    ? html`compared with ${table} as it was ${timeElement(at)}`
    : html`compared with nothing: there was no ${table} ${timeElement(at)}`

function diffOf(label: string, job: string, diff: Planned['diff']): Html {
  const {insert, update, unchanged, newer, rejected, delete: deleted} = diff.counts
  return html`
    ${countsOf(label, [
      ['insert', insert],
      ['update', update],
      ['leave unchanged', unchanged],
      ['leave, as the table has a newer value', newer],
      ['log as deleted', deleted],
      ['reject', rejected],
    ])}
    ${pathsOf(job, diff.paths)}${samplesOf(job, diff.samples)}
  `
}

const comparisonOf = ({job, comparison}: Compared): Html =>
  html`<h3>Test tables of ${job}, beside production</h3>
    ${rowsOf(job, comparison)}`

const lastComparisonOf = ({job, test_set: set, at, comparison}: LastComparison): Html =>
  html`<h3>Test tables of ${job}, beside production as they were last compared</h3>
    <p>${set === null ? 'The set without a name' : html`The set <code>${set}</code>`}, ${timeElement(at)}.</p>
    ${rowsOf(job, comparison)}`

function rowsOf(job: string, comparison: Compared['comparison']): Html {
  const {insert, update, newer, unchanged, only_in_production: others} = comparison.counts
  return html`
    <p>
      ${counted(comparison.test_runs.length, 'test run')}; ${counted(comparison.production_runs.length, 'run')} wrote to
      production since the first of them.
    </p>
    ${countsOf(`Test tables of ${job}, beside production`, [
      ['new', insert],
      ['with another value', update],
      ['with another value, which production read later', newer],
      ['the same', unchanged],
      ['only in production', others],
    ])}
    ${pathsOf(job, comparison.paths)}${samplesOf(job, comparison.samples)}
  `
}

const countsOf = (label: string, counts: readonly (readonly [string, number])[]): Html =>
  barsOf(
    label,
    [{title: 'Rows'}],
    counts.map(([words, count]) => ({cells: [words], count})),
  )

const pathsOf = (job: string, paths: Planned['diff']['paths']): Html | undefined =>
  paths.length === 0
    ? undefined
    : html`<h4>Where the changed rows change</h4>
        ${barsOf(
          `Where the changed rows of ${job} change`,
          [{title: 'Path'}],
          paths.slice(0, 100).map(({path, records}) => ({cells: [html`<code>${path}</code>`], count: records})),
        )}`

const samplesOf = (job: string, samples: readonly Sample[]): Html | undefined =>
  samples.length === 0
    ? undefined
    : html`<h4>Some of the rows</h4>
        ${tableOf(
          `Some rows of ${job}`,
          ['Kind', 'Key', 'Values'].map((title) => ({title})),
          samples.map((sample) => [sample.kind, html`<code>${sample.idem_key}</code>`, valuesOf(sample)]),
        )}`

function valuesOf(sample: Sample): Html | string {
  if (sample.kind === 'insert') return html`<code>${sample.payload}</code>`
  if (sample.kind === 'delete') return 'gone at the source; its row stays'
  return html`<ul>
    ${sample.changes.map(
      ({op, path, from, to}) =>
        html`<li>
          ${op} <code>${path}</code> ${from === undefined ? undefined : html`<del>${from}</del>`}
          ${to === undefined ? undefined : html`<ins>${to}</ins>`}
        </li>`,
    )}
  </ul>`
}
