import {failure, busy} from '../base/errors.ts'
import type {ProcessIdentity} from '../base/process-identity.ts'
import {createEvent, type Event} from '../model/events.ts'

/** A run that holds a stream, or held it. */
export interface HoldingRun {
  readonly runId: string
  readonly process: ProcessIdentity
}

/** The error of a run whose stream another run holds. `elsewhere`: nobody here can see whether that one lives. */
export const streamHeld = (
  {runId, process, startedAt}: HoldingRun & {readonly startedAt: string},
  elsewhere: boolean,
): Error =>
  busy(`run ${runId} is reading the same stream (process ${process.pid} on ${process.host}, started ${startedAt})`, {
    code: 'E_STREAM_BUSY',
    next: elsewhere
      ? 'Wait for it to end; if it was killed, its stream is free again five minutes after its last sign of life.'
      : 'Wait for it to end, or stop it, and run the same command again.',
  })

/** The last event of a run that was found dead. */
export const endedWithoutAWord = ({runId, process}: HoldingRun, takenOverBy: string): Event =>
  createEvent({
    type: 'job.failed',
    runId,
    at: new Date(),
    error: `ended without a word (process ${process.pid} on ${process.host} is gone); its stream was taken over by ${takenOverBy}`,
  })

/** The error of a run that was taken for dead and lives. */
export const streamLost = (what: string, cause?: unknown): Error =>
  failure(`this run lost its stream: ${what}`, {
    code: 'E_STREAM_LOST',
    next: 'Nothing of this commit was written; the other run reads the same records.',
    cause,
  })
