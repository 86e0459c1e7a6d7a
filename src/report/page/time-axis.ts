import {scaleUtc} from 'd3-scale'

import {html, type Html} from './html.ts'

/** It has room for so many labels where the page is wide; a narrow one hides every other. */
const LABELS = 6
const DAY = 24 * 60 * 60 * 1000

/** Places instants between 0 and 100 percent of a chart's width. */
export interface TimeAxis {
  readonly at: (instant: number) => number
  readonly start: number
  readonly end: number
  readonly ticks: readonly {readonly at: number; readonly text: string}[]
}

export function timeAxis(start: number, end: number): TimeAxis {
  const from = start < end ? start : end - DAY
  const scale = scaleUtc([from, end], [0, 100]).clamp(true)
  const format = formatOf(end - from)
  const ticks = scale.ticks(LABELS).map((tick) => ({at: scale(tick), text: format(tick.toISOString())}))
  return {at: scale, start: from, end, ticks}
}

function formatOf(span: number): (iso: string) => string {
  if (span > 3 * 365 * DAY) return (iso) => iso.slice(0, 4)
  if (span > 120 * DAY) return (iso) => iso.slice(0, 7)
  if (span > 5 * DAY) return (iso) => iso.slice(0, 10)
  return (iso) => (span > DAY / 24 ? iso.slice(5, 16) : iso.slice(11, 19)).replace('T', ' ')
}

/** Draws the labels below a chart of that height. */
export const axisLabels = ({ticks}: TimeAxis, top: number): Html =>
  html`${ticks.map(
    ({at, text}, index) =>
      html`<text
        class="label ${index % 2 === 1 ? 'minor' : ''}"
        x="${at}%"
        y="${top + 16}"
        text-anchor="${anchorAt(at)}"
        >${text}</text
      >`,
  )}`

export const axisLines = ({ticks}: TimeAxis, height: number): Html =>
  html`${ticks.map(({at}) => html`<line class="grid" x1="${at}%" x2="${at}%" y1="0" y2="${height}" />`)}`

const anchorAt = (percent: number): string => (percent < 6 ? 'start' : percent > 94 ? 'end' : 'middle')
