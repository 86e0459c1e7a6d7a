import type {GroupPlan} from './plan.ts'
import {contextBetweenSlices, type SliceReader} from './read-slice.ts'
import type {Estimate} from './source.ts'
import {untilAborted} from './until-aborted.ts'

/**
 * What the source counts in the windows that are due. Only where they have several slices: a single one is soon read, and
 * counting it would cost as many calls as listing it.
 */
export async function estimateRun(reader: SliceReader, plans: readonly GroupPlan[]): Promise<Estimate | undefined> {
  const {source, signal} = reader
  const long = plans.flatMap(({group, windows, sliceLength = Infinity, bookmark}) =>
    bookmark === undefined
      ? windows.filter(({since, until}) => until - since > sliceLength).map((window) => ({group, window}))
      : [],
  )
  if (source.estimate === undefined || long.length === 0) return undefined
  let [records, units] = [0, 0]
  for (const {group, window} of long) {
    const part = await untilAborted(source.estimate(contextBetweenSlices(reader, group.streams, window)), signal)
    records += part.records
    units += part.units
  }
  return {records, units}
}
