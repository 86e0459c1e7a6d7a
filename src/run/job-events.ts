import {ownProcess} from '../base/process-identity.ts'
import {createEvent, type Event, type EventDetails} from '../model/events.ts'
import {windowAsText, type TimeWindow} from '../model/window.ts'
import type {JsonObject, Stream} from '../source.ts'
import {nameOfStream} from '../model/stream.ts'
import type {RunTotal} from './commit-ledger.ts'
import type {JobRun} from './job-run.ts'
import type {SweptKeys} from './swept-keys.ts'

/** Makes the events of one run: all carry its id and the time. */
export class JobEvents {
  readonly #run: JobRun

  constructor(run: JobRun) {
    this.#run = run
  }

  event(details: Omit<EventDetails, 'runId' | 'at'>): Event {
    const {runId, now} = this.#run
    return createEvent({...details, runId, at: now()})
  }

  /** Answers with what makes the event: the sink calls it when the streams are taken. */
  async started(streams: readonly Stream[]): Promise<() => Event> {
    const {
      job,
      account,
      sink,
      claim,
      request: {again, ...request},
    } = this.#run
    const payload = {
      job,
      account,
      mode: sink.mode,
      streams: streams.map(nameOfStream),
      request: {...request, ...(again !== undefined && {again: again.spans.length})},
      process: {...(await ownProcess())},
      ...(claim !== undefined && {claim}),
    }
    return () => this.event({type: 'job.started', payload})
  }

  completed(total: RunTotal): Event {
    return this.event({type: 'job.completed', payload: this.#summary(total)})
  }

  sliceFailed(stream: Stream, window: TimeWindow, error: string): Event {
    const payload = {job: this.#run.job, window: windowAsText(window)}
    return this.event({type: 'ingestion.failed', ...stream, error, payload})
  }

  swept(stream: Stream, about: JsonObject, keys: SweptKeys): Event {
    return this.event({type: 'keys.swept', ...stream, payload: {schema: 1, ...about, keys: {...keys}}})
  }

  failed(total: RunTotal, error: string): Event {
    return this.event({type: 'job.failed', error, payload: this.#summary(total)})
  }

  #summary({counts, commits, bytesBilled}: RunTotal): JsonObject {
    const {job, account, startedAt, now} = this.#run
    return {
      job,
      account,
      counts: {...counts},
      commits,
      duration_seconds: Math.max(0, now().getTime() - startedAt.getTime()) / 1000,
      ...(bytesBilled !== undefined && {bytes_billed: bytesBilled}),
    }
  }
}
