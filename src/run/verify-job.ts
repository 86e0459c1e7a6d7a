import {StreamCounts} from '../model/counts.ts'
import type {TimeWindow} from '../model/window.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import {compareReadings, isAnythingElse, type ComparedReadings} from './compared-readings.ts'
import {slicesOf} from './estimate.ts'
import {KeptReading, type Sought} from './kept-reading.ts'
import {assertSelectableByWindow, planGroup, type GroupPlan, type Schedule} from './plan.ts'
import {streamGroups} from './stream-groups.ts'
import {readSlice} from './read-slice.ts'
import type {SliceReader} from './slice.ts'

/** How far a later reading looks for what the one before found, where the source has an order of its own each time. */
const SEARCHED = 20

/** A job that is ready to be read; there is no sink, so there is nothing that could write. */
export interface JobToVerify extends Omit<SliceReader, 'sink' | 'askKnown' | 'start'>, Schedule {
  readonly job: string
  readonly sourceSystem: string
  /** Records of the first reading. */
  readonly limit: number
  /** Milliseconds since 1970; missing: the start of the job. */
  readonly since?: number
  readonly commitAfter: {readonly records: number}
}

export interface Verification extends ComparedReadings {
  /** Each was read with one end that all readings share. */
  readonly windows: readonly TimeWindow[]
}

/**
 * Reads what a run would read twice, and a third time where something differs. All readings end at the same instant, that from
 * which on records may still be on their way, so what differs is the source's doing or was changed meanwhile.
 */
export async function verifyJob(job: JobToVerify): Promise<Verification> {
  const {source, options, sourceSystem, since, limit} = job
  const groups = streamGroups(
    sourceAnswer(() => source.streams(options)),
    sourceSystem,
  )
  const request = {full: true, refetch: true, ...(since !== undefined && {since})}
  assertSelectableByWindow(job.job, groups, request)
  const moment = {now: job.now().getTime(), canResume: false}
  const plans = groups.map((group) => planGroup(job, group, [], request, moment))
  const read = async (most: number, sought?: Sought): Promise<KeptReading> => {
    const reading = new KeptReading(most, sought)
    await fill(reading, job, plans)
    return reading
  }
  const first = await read(limit)
  const second = await read(limit * SEARCHED, soughtIn(first))
  const windows = plans.flatMap((plan) => plan.windows)
  if (!isAnythingElse(first, second)) return {...compareReadings(first, second), windows}
  const hasAll = [...first.records.keys()].every((key) => second.records.has(key))
  const third = await read(limit * SEARCHED * 2, {keys: hasAll ? first.records : second.records, areAll: first.isWhole})
  return {...compareReadings(first, second, third), windows}
}

const soughtIn = ({records, isWhole}: KeptReading): Sought => ({keys: records, areAll: isWhole})

async function fill(reading: KeptReading, job: JobToVerify, plans: readonly GroupPlan[]): Promise<void> {
  for (const plan of plans) {
    const {streams} = plan.group
    for (const window of plan.windows) {
      const slices = slicesOf({...job, sink: reading.intake, askKnown: false}, plan, window, undefined)
      for (let slice = await slices.next(false); slice !== undefined;) {
        const counts = new StreamCounts(streams.map(({objectType}) => objectType))
        await readSlice(
          {...job, sink: reading.intake, askKnown: false},
          {
            streams,
            window: slice,
            limit: reading.limit - reading.taken,
            isEnough: () => reading.isEnough,
            rejectedBefore: reading.rejected,
            counts,
          },
        )
        const {listed, deleted, extracted} = counts.total()
        reading.taken += extracted
        if (reading.isEnough) return
        slice = await slices.next(listed + deleted === 0)
      }
    }
  }
  reading.isWhole = true
}
