import {scaleLinear} from 'd3-scale'

import {html, titleOf, type Html} from './html.ts'
import type {Bin} from './run-bins.ts'
import {axisLabels, axisLines, timeAxis} from './time-axis.ts'
import {formatTime} from './words.ts'

const HEIGHT = 160
/** What is there at all shows as so many pixels. */
const LEAST = 2

export interface Series {
  /** It has its colour by a class of this name. */
  readonly name: string
  readonly of: (bin: Bin) => number
}

/** Draws a bar for each bin, in which the series stand on each other. */
export function barChart(
  bins: readonly Bin[],
  series: readonly Series[],
  {label, format}: {readonly label: string; readonly format: (value: number) => string},
): Html {
  const axis = timeAxis(bins[0]?.start ?? 0, bins.at(-1)?.end ?? 0)
  const most = Math.max(1, ...bins.map((bin) => series.reduce((sum, {of}) => sum + of(bin), 0)))
  const height = scaleLinear([0, most], [0, HEIGHT - 10])
  const lines = height.ticks(4).map((value) => ({y: HEIGHT - height(value), text: format(value)}))
  return chartOf({
    label,
    lines,
    height: HEIGHT,
    marks: html`${axisLines(axis, HEIGHT)}${gridOf(lines)}
    ${bins.map((bin) => {
      const x = axis.at(bin.start)
      const width = (axis.at(bin.end) - x) * 0.8
      let top = HEIGHT
      return series.map(({name, of}) => {
        const value = of(bin)
        if (value === 0) return undefined
        const tall = Math.max(LEAST, height(value))
        top -= tall
        const words = `${formatTime(new Date(bin.start).toISOString())}: ${format(value)} ${name}`
        const left = x + width * 0.125
        return html`<rect class="mark ${name}" x="${left}%" y="${top}" width="${width}%" height="${tall}"
          >${titleOf(words)}</rect
        >`
      })
    })}
    ${axisLabels(axis, HEIGHT)}`,
  })
}

export const gridOf = (lines: readonly {readonly y: number}[]): Html =>
  html`${lines.map(({y}) => html`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}" />`)}`

/** Puts the labels of the left side beside a drawing that is as wide as the page allows. */
export const chartOf = ({
  label,
  lines,
  height,
  marks,
}: {
  readonly label: string
  readonly lines: readonly {readonly y: number; readonly text: string}[]
  readonly height: number
  readonly marks: Html
}): Html =>
  html`<div class="chart" role="img" aria-label="${label}">
    <svg class="left" width="64" height="${height + 24}" aria-hidden="true">
      ${lines.map(({y, text}) => html`<text class="label" x="58" y="${Math.max(10, y + 4)}" text-anchor="end">${text}</text>`)}
    </svg>
    <svg class="area" width="100%" height="${height + 24}" aria-hidden="true">${marks}</svg>
  </div>`
