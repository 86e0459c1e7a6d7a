import {scaleSymlog} from 'd3-scale'

import type {ReportedRun} from '../documents/report.ts'
import {chartOf, gridOf} from './bar-chart.ts'
import {html, titleOf, type Html} from './html.ts'
import {startOf} from './run-bins.ts'
import {axisLabels, axisLines, timeAxis} from './time-axis.ts'
import {formatSeconds, formatTime} from './words.ts'

const HEIGHT = 140
const TICKS = [1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400]

/** Outcomes are told apart by shape as well as by colour. */
const SHAPES: Readonly<Record<ReportedRun['outcome'], 'done' | 'failed' | 'open' | 'undone'>> = {
  done: 'done',
  failed: 'failed',
  died: 'failed',
  running: 'open',
  unknown: 'open',
  undone: 'undone',
}

const LEGEND = [
  ['done', 'done'],
  ['failed', 'failed, or its process died'],
  ['undone', 'undone'],
] as const

/** Draws a mark for each run that has ended: when it began, and how long it took. */
export function durationChart(runs: readonly ReportedRun[], [start, end]: readonly [number, number]): Html {
  const ended = runs.flatMap((run) => (run.duration_seconds === null ? [] : [{run, seconds: run.duration_seconds}]))
  const most = Math.max(10, ...ended.map(({seconds}) => seconds))
  const axis = timeAxis(start, end)
  const y = scaleSymlog([0, most], [HEIGHT - 8, 10])
  const lines = TICKS.filter((tick) => tick <= most).map((tick) => ({y: y(tick), text: formatSeconds(tick)}))
  return html`<ul class="legend" aria-label="Legend">
      ${LEGEND.map(
        ([shape, words]) =>
          html`<li>
            <svg width="14" height="14" aria-hidden="true"><use href="#run-${shape}" x="7" y="7" /></svg> ${words}
          </li>`,
      )}
    </ul>
    ${chartOf({
      label: `Durations of ${ended.length} runs; the longest took ${formatSeconds(most)}`,
      lines,
      height: HEIGHT,
      marks: html`${axisLines(axis, HEIGHT)}${gridOf(lines)}
      ${ended.map(({run, seconds}) => {
        const words = `${run.job}, ${formatTime(run.started_at)}: ${run.outcome}, ${formatSeconds(seconds)}`
        return html`<use href="#run-${SHAPES[run.outcome]}" x="${axis.at(startOf(run))}%" y="${y(seconds)}"
          >${titleOf(words)}</use
        >`
      })}
      ${axisLabels(axis, HEIGHT)}`,
    })}`
}

/** The marks that charts point to. */
export const RUN_MARKS = html`<svg width="0" height="0" class="marks" aria-hidden="true">
  <defs>
    <circle id="run-done" class="run-done" r="4" />
    <path id="run-failed" class="run-failed" d="M-4,-4L4,4M4,-4L-4,4" />
    <circle id="run-open" class="run-open" r="4" />
    <rect id="run-undone" class="run-undone" x="-4" y="-4" width="8" height="8" />
  </defs>
</svg>`
