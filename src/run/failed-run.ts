import {messageWithCauses} from '../base/errors.ts'
import type {StreamCounts} from '../model/counts.ts'
import type {Event} from '../model/events.ts'
import type {TimeWindow} from '../model/window.ts'
import type {Stream} from '../source.ts'
import type {CommitLedger} from './commit-ledger.ts'
import type {JobEvents} from './job-events.ts'
import type {JobRun} from './job-run.ts'

export interface UnfinishedSlice {
  readonly streams: readonly Stream[]
  readonly window: TimeWindow
  readonly counts: StreamCounts
  /** They tell why it was not stored. */
  readonly events?: readonly Event[]
}

/**
 * Commits the slices before the one that failed, and writes the failure to the event log. Throws nothing: the error that
 * came first must not be hidden.
 */
export async function endFailedRun(
  {sink, log, maskSecrets}: JobRun,
  ledger: CommitLedger,
  events: JobEvents,
  unfinished: UnfinishedSlice | undefined,
  error: unknown,
): Promise<void> {
  const message = maskSecrets(messageWithCauses(error))
  try {
    // Nothing else is written meanwhile, whatever fails here.
    await ledger.ended()
    if (unfinished !== undefined) await sink.dropUnfinishedSlice()
    await ledger.commit(false)
  } catch (second) {
    if (second !== error)
      log.error(`the slices before the failed one could not be committed: ${messageWithCauses(second)}`)
  }
  try {
    await sink.discard()
    if (unfinished !== undefined) {
      const {streams, window, events: why = []} = unfinished
      for (const event of why) await sink.logEvent(event)
      for (const stream of streams) await sink.logEvent(events.sliceFailed(stream, window, message))
    }
    const event = events.failed(ledger.total, message)
    await sink.commit(() => [event])
  } catch (second) {
    log.error(`the failure could not be written to the event log: ${messageWithCauses(second)}`)
  }
}
