import {utcDay, utcTickInterval} from 'd3-time'

import type {ReportedRun} from '../documents/report.ts'

/** Runs are put together by spans of time, of which there are about so many. */
const BINS = 40

export interface Bin {
  readonly start: number
  readonly end: number
  readonly runs: readonly ReportedRun[]
}

/** Puts runs that began within one hour, day, week or whatever suits their span of time into one bin each; oldest first. */
export function binsOf(runs: readonly ReportedRun[]): readonly Bin[] {
  const instants = runs.map(startOf)
  const first = instants.reduce((one, other) => Math.min(one, other), Infinity)
  const last = instants.reduce((one, other) => Math.max(one, other), -Infinity)
  if (runs.length === 0) return []
  const wanted = last > first ? utcTickInterval(new Date(first), new Date(last), BINS) : null
  const interval = wanted ?? utcDay
  const bins: {start: number; end: number; runs: ReportedRun[]}[] = []
  for (let start = interval.floor(new Date(first)); start.getTime() <= last; start = interval.offset(start, 1))
    bins.push({start: start.getTime(), end: interval.offset(start, 1).getTime(), runs: []})
  for (const run of runs) bins.findLast(({start}) => start <= startOf(run))?.runs.push(run)
  return bins
}

export const startOf = ({started_at: at}: ReportedRun): number => Date.parse(at)
