import {v5 as uuidv5} from 'uuid'

import type {JsonObject} from '../source.ts'

export type EventType =
  | 'job.started'
  | 'job.completed'
  | 'job.failed'
  | 'ingestion.completed'
  | 'ingestion.failed'
  | 'record.rejected'
  | 'object.deleted'
  | 'keys.swept'
  | 'schema.changed'
  | 'schema.refused'
  | 'schema.accepted'
  | 'run.undone'
  | 'tables.seeded'
  | 'plan.applied'
  | 'state.carried'

/** An event is one row of the event log. */
export interface Event {
  readonly event_id: string
  readonly event_type: EventType
  readonly source_system: string
  readonly object_type: string | null
  readonly idem_key: string | null
  readonly correlation_id: string
  readonly trace_id: string | null
  /** The instant at which it was made, in ISO 8601. */
  readonly created_at: string
  readonly status: 'ok' | 'failed'
  readonly error_message: string | null
  readonly payload: JsonObject | null
}

export interface EventDetails {
  readonly type: EventType
  readonly runId: string
  readonly at: Date
  readonly sourceSystem?: string
  readonly objectType?: string
  readonly idemKey?: string
  /** Tells apart events of one type in one run: the slice, the reference. */
  readonly discriminator?: string
  readonly error?: string
  readonly payload?: JsonObject
}

const NAMESPACE = 'b1f0c1f4-6d5b-5b0e-9a57-0c2f6c0d7c11'

/** The same event of the same run has the same id, so that writing it twice can be seen. */
export function createEvent(details: EventDetails): Event {
  const {type, runId, sourceSystem = 'lorchestra', objectType = 'job_run', idemKey, discriminator, error} = details
  return {
    event_id: uuidv5(JSON.stringify([runId, type, sourceSystem, objectType, discriminator, idemKey]), NAMESPACE),
    event_type: type,
    source_system: sourceSystem,
    object_type: objectType,
    idem_key: idemKey ?? null,
    correlation_id: runId,
    trace_id: null,
    created_at: details.at.toISOString(),
    status: error === undefined ? 'ok' : 'failed',
    error_message: error ?? null,
    payload: details.payload ?? null,
  }
}

/** Gives the event to another run, which logs what this one saw. */
export const asEventOf = (runId: string, event: Event): Event => ({
  ...event,
  event_id: uuidv5(JSON.stringify([runId, event.event_id]), NAMESPACE),
  correlation_id: runId,
})
