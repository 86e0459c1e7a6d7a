import type {ReportDocument} from '../documents/report.ts'
import {html, titleOf, type Html} from './html.ts'
import {detailsOf, tableOf} from './table.ts'
import {axisLabels, axisLines, timeAxis, type TimeAxis} from './time-axis.ts'
import {counted, formatNumber, formatTime, timeElement} from './words.ts'

type Covered = ReportDocument['stored']['streams'][number]
type Window = Covered['covered'][number]

const HEIGHT = 18
/** So many windows of a stream are drawn, the newest. */
const MOST_WINDOWS = 500

/** Shows how far each stream is covered, on one line of time for all. */
export function coverageSection({stored, gaps, generated_at: now}: ReportDocument): Html {
  const streams = stored.streams.filter((stream) => isCurrent(stream, stored.streams))
  if (streams.length === 0) return html`<p class="empty">Nothing has been covered yet.</p>`
  const former = stored.streams.length - streams.length
  const axis = axisOf(streams, Date.parse(now))
  const columns = ['Job', 'Stream', 'From', 'To'].map((title) => ({title}))
  return html`
    <ul class="legend" aria-label="Legend">
      <li>
        <svg width="14" height="14" aria-hidden="true"><rect class="covered" width="14" height="14" rx="2" /></svg>
        covered
      </li>
      <li>
        <svg width="14" height="14" aria-hidden="true"><rect class="gap" x="1" y="1" width="12" height="12" /></svg>
        gap, which the next plain run reads
      </li>
      <li>
        <svg width="14" height="14" aria-hidden="true"><rect class="track" width="14" height="14" rx="2" /></svg> not
        read
      </li>
    </ul>
    <ul class="streams">
      ${streams.map((stream) => streamRow(stream, axis))}
    </ul>
    <svg width="100%" height="24" aria-hidden="true">${axisLabels(axis, 0)}</svg>
    ${
      gaps.length === 0
        ? html`<p>No stream has a gap.</p>`
        : html`<p>${counted(gaps.length, 'gap')}:</p>
            ${tableOf(
              'Gaps',
              columns,
              gaps.map((gap) => [gap.job, nameOf(gap), instantOf(gap.window.since), timeElement(gap.window.until)]),
            )}`
    }
    ${detailsOf('All covered windows', windowsTable(stored.streams))}
    ${former > 0 ? html`<p class="note">${counted(former, 'stream')} of a former selection stand in the table alone.</p>` : undefined}
  `
}

/** A selection that its job no longer has is past. */
const isCurrent = (one: Covered, all: readonly Covered[]): boolean =>
  !all.some(
    (other) =>
      other.job === one.job &&
      other.account === one.account &&
      nameOf(other) === nameOf(one) &&
      other.last_commit > one.last_commit,
  )

export function axisOf(streams: readonly Covered[], now: number): TimeAxis {
  const windows = streams.flatMap(({covered}) => covered)
  const instants = windows.flatMap(({since, until}) => [
    ...(since === null ? [] : [Date.parse(since)]),
    Date.parse(until),
  ])
  const first = instants.reduce((one, other) => Math.min(one, other), now)
  const last = instants.reduce((one, other) => Math.max(one, other), now)
  const isOpen = windows.some(({since}) => since === null)
  return timeAxis(isOpen ? first - (last - first) * 0.08 : first, last)
}

function streamRow(stream: Covered, axis: TimeAxis): Html {
  const windows = stream.covered.slice(-MOST_WINDOWS)
  const gaps = windows
    .slice(1)
    .map((window, index) => ({since: windows[index]?.until ?? null, until: window.since ?? ''}))
  const end = windows.at(-1)?.until
  const words = `${nameOf(stream)}: covered in ${counted(windows.length, 'window')}${end === undefined ? '' : `, up to ${formatTime(end)}`}; ${counted(gaps.length, 'gap')}`
  return html`<li>
    <div class="name">
      <strong>${stream.job}</strong> <span>${nameOf(stream)}</span>
      <span class="end">${end === undefined ? '' : html`up to ${timeElement(end)}`}</span>
    </div>
    <svg width="100%" height="${HEIGHT}" role="img" aria-label="${words}">
      <rect class="track" width="100%" height="${HEIGHT}" rx="3" />
      ${axisLines(axis, HEIGHT)} ${windows.map((window) => rectOf('covered', window, axis))}
      ${gaps.map((gap) => rectOf('gap', gap, axis))}
    </svg>
  </li>`
}

function rectOf(kind: 'covered' | 'gap', {since, until}: Window, axis: TimeAxis): Html {
  const from = since === null ? 0 : axis.at(Date.parse(since))
  const width = Math.max(0, axis.at(Date.parse(until)) - from)
  const top = kind === 'gap' ? 1 : 0
  const span = `${since === null ? 'everything before' : `${formatTime(since)} to`} ${formatTime(until)}`
  const words = kind === 'gap' ? `Gap: ${span}` : span
  const tall = HEIGHT - 2 * top
  return html`<rect class="${kind}" x="${from}%" y="${top}" width="${width}%" height="${tall}">${titleOf(words)}</rect>`
}

const windowsTable = (streams: readonly Covered[]): Html =>
  tableOf(
    'All covered windows',
    [
      {title: 'Job'},
      {title: 'Account'},
      {title: 'Stream'},
      {title: 'Selection'},
      {title: 'Windows', isNumber: true},
      {title: 'From'},
      {title: 'To'},
      {title: 'Last commit'},
    ],
    streams.map((stream) => {
      const {job, account, selection, covered, last_commit: last} = stream
      const until = covered.at(-1)?.until
      return [
        job,
        account ?? '–',
        nameOf(stream),
        selection,
        formatNumber(covered.length),
        instantOf(covered[0]?.since ?? null),
        until === undefined ? '–' : timeElement(until),
        timeElement(last),
      ]
    }),
  )

const instantOf = (instant: string | null): Html | string =>
  instant === null ? 'the very first record' : timeElement(instant)

const nameOf = (stream: {readonly source_system: string; readonly object_type: string}): string =>
  `${stream.source_system}/${stream.object_type}`
