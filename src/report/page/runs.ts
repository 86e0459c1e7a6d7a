import {formatBytes} from '../bytes-text.ts'
import type {ReportDocument, ReportedRun} from '../documents/report.ts'
import {barChart, type Series} from './bar-chart.ts'
import {durationChart} from './duration-chart.ts'
import {html, type Html} from './html.ts'
import {binsOf, type Bin} from './run-bins.ts'
import {detailsOf, tableOf} from './table.ts'
import {counted, formatNumber, formatSeconds, timeElement} from './words.ts'

const LONGEST_ERROR = 300
const STORED = ['inserted', 'updated', 'rejected'] as const
const COUNTS = ['extracted', 'inserted', 'updated', 'unchanged', 'rejected', 'deleted'] as const

const KINDS: Readonly<Record<ReportedRun['kind'], string>> = {
  run: 'run',
  promotion: 'promotion of test tables',
  seed: 'seed of test tables',
  undo: 'undo',
  plan: 'plan applied',
}

/** Shows what runs did and how long they took, and lists them. */
export function runsSection(report: ReportDocument): Html {
  const {runs, more_runs: more} = report
  if (runs.length === 0) return html`<p class="empty">The event log knows of no run yet.</p>`
  const bins = binsOf(runs)
  const span = [bins[0]?.start ?? 0, bins.at(-1)?.end ?? 0] as const
  return html`
    ${more ? html`<p class="note">The newest ${counted(runs.length, 'run')}; there are older ones.</p>` : undefined}
    <figure>
      <figcaption>Records by when their run began; undone runs are left out</figcaption>
      <ul class="legend" aria-label="Legend">
        ${STORED.map(
          (name) =>
            html`<li>
              <svg width="14" height="14" aria-hidden="true">
                <rect class="mark ${name}" width="14" height="14" rx="2" />
              </svg>
              ${name}
            </li>`,
        )}
      </ul>
      ${barChart(bins, STORED.map(seriesOf), {
        label: `${STORED.map((name) => `${formatNumber(sum(bins, name))} ${name}`).join(', ')} in ${counted(runs.length, 'run')}`,
        format: formatNumber,
      })}
      ${detailsOf('The same as a table', binsTable(bins))}
    </figure>
    <figure>
      <figcaption>How long each run took</figcaption>
      ${durationChart(runs, span)}
    </figure>
    <h3>${counted(runs.length, 'run')}</h3>
    ${runsTable(runs)}
  `
}

/** Shows what the warehouse billed for runs, where it does. */
export function billedSection({runs, bytes_billed: own, warehouse}: ReportDocument): Html {
  const billed = runs.filter(({bytes_billed: bytes}) => bytes !== null)
  if (billed.length === 0)
    return html`<p class="empty">
      ${
        own === null
          ? `No run says that bytes were billed: ${warehouse} bills none.`
          : 'No run of these says that bytes were billed.'
      }
    </p>`
  const total = billed.reduce((all, {bytes_billed: bytes}) => all + (bytes ?? 0), 0)
  const bytesOf = (bin: Bin): number => bin.runs.reduce((all, {bytes_billed: bytes}) => all + (bytes ?? 0), 0)
  return html`
    <figure>
      <figcaption>Bytes billed, by when their run began</figcaption>
      ${barChart(binsOf(runs), [{name: 'billed', of: bytesOf}], {
        label: `${formatBytes(total)} billed for ${counted(billed.length, 'run')}`,
        format: formatBytes,
      })}
    </figure>
    <p>
      ${formatBytes(total)} were billed for
      ${counted(billed.length, 'run')}${
        own === null ? '' : html`, and ${formatBytes(own)} for reading what is on this page`
      }.
    </p>
  `
}

const seriesOf = (name: (typeof STORED)[number]): Series => ({name, of: (bin) => sum([bin], name)})

const sum = (bins: readonly Bin[], name: (typeof COUNTS)[number]): number =>
  bins
    .flatMap(({runs}) => runs)
    .filter(({outcome}) => outcome !== 'undone')
    .reduce((all, {counts}) => all + counts[name], 0)

const binsTable = (bins: readonly Bin[]): Html =>
  tableOf(
    'Records by when their run began',
    [{title: 'From'}, {title: 'Runs', isNumber: true}, ...COUNTS.map((title) => ({title, isNumber: true}))],
    bins
      .filter(({runs}) => runs.length > 0)
      .map((bin) => [
        timeElement(new Date(bin.start).toISOString()),
        formatNumber(bin.runs.length),
        ...COUNTS.map((name) => formatNumber(sum([bin], name))),
      ]),
  )

const runsTable = (runs: readonly ReportedRun[]): Html =>
  tableOf(
    'Runs, newest first',
    [
      {title: 'Job'},
      {title: 'Began'},
      {title: 'Outcome'},
      {title: 'Took', isNumber: true},
      ...COUNTS.map((title) => ({title, isNumber: true})),
      {title: 'What'},
      {title: 'Run'},
    ],
    runs.map(({job, started_at: at, outcome, duration_seconds: seconds, counts, kind, run_id: id, error}) => [
      job,
      timeElement(at),
      html`<span class="outcome ${outcome}">${outcome}</span>${
          error === null ? undefined : html`<br /><span class="error">${shorten(error)}</span>`
        }`,
      seconds === null ? '–' : formatSeconds(seconds),
      ...COUNTS.map((name) => formatNumber(counts[name])),
      KINDS[kind],
      html`<code>${id}</code>`,
    ]),
  )

const shorten = (text: string): string => (text.length > LONGEST_ERROR ? `${text.slice(0, LONGEST_ERROR)}…` : text)
