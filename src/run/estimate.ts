import type {GroupPlan, Schedule} from './plan.ts'
import type {StreamGroup} from './stream-groups.ts'
import type {SliceReader} from './slice.ts'
import {askOutsideSlices} from './outside-slices.ts'
import {Slices} from './slices.ts'
import {sourceBug} from '../base/errors.ts'
import type {Estimate} from '../source.ts'
import {sourceAnswer, untilSourceAnswers} from '../sources/source-answer.ts'
import type {TimeWindow} from '../model/window.ts'

/** An interruption loses at most so much of the source's rate limit, beside what waits for its commit. */
const LONGEST_SLICE_MINUTES = 1

/** Has the source count the windows that are due; `undefined` where it cannot tell. */
export async function estimatePlans(
  reader: SliceReader,
  plans: readonly GroupPlan[],
): Promise<ReadonlyMap<TimeWindow, Estimate> | undefined> {
  const estimates = new Map<TimeWindow, Estimate>()
  for (const {group, windows, bookmark} of plans) {
    const estimate = bookmark === undefined ? estimatorOf(reader, group) : undefined
    if (estimate !== undefined) for (const window of windows) estimates.set(window, await estimate(window))
  }
  return estimates.size > 0 ? estimates : undefined
}

export function sumOf(estimates: Iterable<Estimate>): Estimate {
  let [records, units] = [0, 0]
  for (const estimate of estimates) [records, units] = [records + estimate.records, units + estimate.units]
  return {records, units}
}

/** Cuts the window into slices that are soon read, as far as the source can tell. `estimate` is that of the whole window. */
export function slicesOf(
  run: SliceReader & Pick<Schedule, 'earliest' | 'sliceIsMaximum'> & {readonly commitAfter: {readonly records: number}},
  {group, sliceLength: length}: GroupPlan,
  window: TimeWindow,
  estimate: Estimate | undefined,
): Slices {
  const {source, options, commitAfter, earliest, sliceIsMaximum: isMaximum} = run
  const {unitsPerMinute} = sourceAnswer(() => source.rateLimit?.(options)) ?? {unitsPerMinute: Infinity}
  const most = {records: commitAfter.records, units: unitsPerMinute * LONGEST_SLICE_MINUTES}
  const isLarge = estimate !== undefined && (estimate.records > most.records || estimate.units > most.units)
  const sizeOf = isLarge ? estimatorOf(run, group) : undefined
  return new Slices(window, {length, isMaximum, earliest, most, ...(sizeOf !== undefined && {sizeOf})})
}

function estimatorOf(
  reader: SliceReader,
  {streams}: StreamGroup,
): ((window: TimeWindow) => Promise<Estimate>) | undefined {
  const {source, signal} = reader
  const estimate = source.estimate?.bind(source)
  if (estimate === undefined) return undefined
  return async (window) =>
    askOutsideSlices({reader, streams, window}, async (context) =>
      asEstimate(await untilSourceAnswers(async () => estimate(context), signal)),
    )
}

function asEstimate(answer: unknown): Estimate {
  const {records, units} = (typeof answer === 'object' && answer !== null ? answer : {}) as Readonly<
    Record<string, unknown>
  >
  if (isCount(records) && isCount(units)) return {records, units}
  throw sourceBug('the source gave an estimate that is none', {rule: 'an estimate is {records, units}, two numbers'})
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
