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
export const endedWithoutAWord = (holder: HoldingRun, takenOverBy: string): Event =>
  takenOver(holder, `ended without a word (${formatProcess(holder)} is gone)`, takenOverBy)

/** The last event of a run whose task was begun anew; that it may go on for a while does no harm, for it can commit no more. */
export const begunAnew = (holder: HoldingRun, takenOverBy: string): Event =>
  takenOver(holder, `its task was begun anew (this attempt was ${formatProcess(holder)})`, takenOverBy)

const formatProcess = ({process}: HoldingRun): string => `process ${process.pid} on ${process.host}`

const takenOver = ({runId}: HoldingRun, why: string, by: string): Event =>
  createEvent({type: 'job.failed', runId, at: new Date(), error: `${why}; its stream was taken over by ${by}`})

/** The error of a run whose stream would be another's for as long as a clock was ahead. */
export const heardInTheFuture = ({runId, process}: HoldingRun): Error =>
  failure(
    `run ${runId} on ${process.host} gave its last sign of life in the future, so nothing tells whether it still reads the stream`,
    {
      code: 'E_CLOCK_WRONG',
      next: `Set the clocks of both machines. If the run is gone, end it: INSERT a job.failed event with its correlation_id.`,
    },
  )

/** The error of a run that was taken for dead and lives. */
export const streamLost = (what: string, cause?: unknown): Error =>
  failure(`this run lost its stream: ${what}`, {
    code: 'E_STREAM_LOST',
    next: 'Nothing of this commit was written; the other run reads the same records.',
    cause,
  })
