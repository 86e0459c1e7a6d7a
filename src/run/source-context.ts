import {StreamCounts} from '../model/counts.ts'
import type {TimeWindow} from '../model/window.ts'
import type {Stream} from '../source.ts'
import type {HostContext} from '../sources/box/hosted-source.ts'
import type {SliceReader} from './slice.ts'
import {SliceIntake} from './slice-intake.ts'

/** Gives the context for what a source is asked before its slices are read. */
export function contextBetweenSlices(
  reader: SliceReader,
  streams: readonly Stream[],
  window: TimeWindow = {since: -Infinity, until: reader.now().getTime()},
): HostContext {
  const counts = new StreamCounts(streams.map(({objectType}) => objectType))
  return new SliceIntake(reader, {streams, window, limit: 0, rejectedBefore: 0, counts}).context()
}
