import {asError, messageWithCauses} from '../base/errors.ts'
import {ownProcess} from '../base/process-identity.ts'
import {noCounts, type Counts} from '../model/counts.ts'
import type {Event, EventDetails} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import {nameOfStream} from '../model/stream.ts'
import type {JsonObject, Stream} from '../source.ts'
import type {WarehouseWriter} from '../warehouse/warehouse.ts'

export interface WritingBeside {
  readonly job: string
  readonly account: string | null
  readonly startedAt: Date
  readonly event: (details: Omit<EventDetails, 'runId' | 'at'>) => Event
  readonly maskSecrets: (text: string) => string
  /** What is committed by now, where there is more than one commit. */
  readonly committed?: () => {readonly counts: Counts; readonly commits: number}
}

/** Gives what `job.started` says of what is no reading of a job; `what` tells it apart. */
export const startedBeside = async (
  {job, account}: Pick<WritingBeside, 'job' | 'account'>,
  mode: RunMode,
  streams: readonly Stream[],
  what: JsonObject,
): Promise<JsonObject> => ({
  job,
  account,
  mode,
  streams: streams.map(nameOfStream),
  request: {},
  process: {...(await ownProcess())},
  ...what,
})

/** Gives what `job.completed` and `job.failed` say of it. */
export const endedBeside = (
  {job, account, startedAt}: Pick<WritingBeside, 'job' | 'account' | 'startedAt'>,
  {counts, commits}: {readonly counts: Counts; readonly commits: number},
): JsonObject => ({job, account, counts: {...counts}, commits, duration_seconds: secondsSince(startedAt)})

/** Writes what is no reading of a job. Where that fails the log says so, and the streams are free again either way. */
export async function writeBeside<Result>(
  {job, account, startedAt, event, maskSecrets, committed}: WritingBeside,
  writer: WarehouseWriter,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write()
  } catch (thrown) {
    const error = maskSecrets(messageWithCauses(asError(thrown)))
    const done = committed?.() ?? {counts: noCounts(), commits: 0}
    const failed = event({type: 'job.failed', error, payload: endedBeside({job, account, startedAt}, done)})
    try {
      await writer.commit({runStartedAt: startedAt, records: [], loneRecords: [], events: [], rows: 0}, () => [failed])
    } catch {
      // The first error says more, and the stream is free again once this process has ended.
    }
    throw thrown
  } finally {
    await writer.close()
  }
}

export const secondsSince = (instant: Date): number => Math.max(0, Date.now() - instant.getTime()) / 1000
