import {messageWithCauses, sourceBug, usageError} from '../base/errors.ts'
import type {TimeWindow} from '../model/window.ts'
import type {Sink} from '../sink/sink.ts'
import type {Logger, Stream} from '../source.ts'
import {keyProblem} from '../sources/box/keyed-record.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import type {StreamState} from '../warehouse/warehouse.ts'
import type {JobRun} from './job-run.ts'
import {isPlain} from './plan.ts'
import type {SliceReader} from './slice.ts'
import {outsideSlices} from './outside-slices.ts'
import type {SweptKeys} from './swept-keys.ts'

/** So many unknown keys are held in memory; while their records are read, the service keeps the place in its list. */
const MOST_HELD = 50_000
/** The records of so many keys are read in one call. */
const READ_AT_ONCE = 1000

export function assertCanSweep({
  job,
  source,
  sweep,
}: Pick<JobRun, 'job' | 'source'> & {readonly sweep?: number | undefined}): void {
  if (sweep === undefined || source.listKeys !== undefined) return
  throw usageError(`${job} says sweep, but the source ${source.name} cannot list its keys`, {
    code: 'E_CONFIG_INVALID',
    next: 'Leave sweep out of the job.',
  })
}

/**
 * A run that goes on where the last one ended, and writes or foretells what is written, sweeps what was not swept for as long as
 * the job says.
 */
export const isSweepDue = (
  {sweep, request, sink, now}: Pick<JobRun, 'sweep' | 'request' | 'sink' | 'now'>,
  states: readonly StreamState[],
): boolean =>
  sweep !== undefined &&
  isPlain(request) &&
  (sink.tables.written ?? sink.tables.foretold) !== undefined &&
  states.some(({sweptAt = -Infinity}) => now().getTime() - sweptAt >= sweep)

/** Lists all keys and hands on those that are not stored, some at a time. Adds up in `swept`, by object type. */
export async function* unknownKeys(
  reader: SliceReader & {readonly sink: Pick<Sink, 'known'>},
  streams: readonly Stream[],
  window: TimeWindow,
  swept: Map<string, SweptKeys>,
): AsyncGenerator<readonly string[], void> {
  let held: string[] = []
  for await (const keys of listedKeys(reader, streams, window)) {
    const known = await reader.sink.known(keys)
    for (const key of keys) {
      const {objectType} = streamOfKey(key, streams)
      const {listed: all, unknown} = swept.get(objectType) ?? {listed: 0, unknown: 0}
      swept.set(objectType, {listed: all + 1, unknown: unknown + (known.has(key) ? 0 : 1)})
      if (!known.has(key)) held.push(key)
    }
    if (held.length < MOST_HELD) continue
    yield* inParts(held)
    held = []
  }
  yield* inParts(held)
}

/** Lists all keys that exist; ends by itself only where the source says that these are all. */
export async function* listedKeys(
  reader: SliceReader,
  streams: readonly Stream[],
  window: TimeWindow,
): AsyncGenerator<readonly string[], void> {
  const outside = outsideSlices(reader, streams, window)
  const listed = sourceAnswer(() => reader.source.listKeys?.(outside.context)[Symbol.asyncIterator]())
  if (listed !== undefined) yield* untilEnd(listed, reader.log)
  outside.assertNothingReported()
}

function* inParts(keys: readonly string[]): Generator<readonly string[], void> {
  const each = [...new Set(keys)]
  for (let from = 0; from < each.length; from += READ_AT_ONCE) yield each.slice(from, from + READ_AT_ONCE)
}

/** Ends the iterator also where it fails, or where no more of it is wanted. */
async function* untilEnd<Item>(iterator: AsyncIterator<Item>, log: Logger): AsyncGenerator<Item, void> {
  let isOpen = true
  try {
    for (;;) {
      const step = await iterator.next()
      if (step.done === true) break
      yield step.value
    }
    isOpen = false
  } catch (error) {
    isOpen = false
    await iterator.return?.().catch((second: unknown) => {
      log.debug(`the source failed again while it was being closed: ${messageWithCauses(second)}`)
    })
    throw error
  } finally {
    if (isOpen) await iterator.return?.()
  }
}

export function streamOfKey(key: string, streams: readonly Stream[]): Stream {
  const stream = streams.find((each) => keyProblem(key, each) === undefined)
  if (stream !== undefined) return stream
  const [first] = streams
  throw sourceBug(
    `the source listed a key that is none of its streams: ${first === undefined ? '' : (keyProblem(key, first) ?? '')}`,
  )
}
