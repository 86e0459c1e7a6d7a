import * as z from 'zod'

import type {EventType} from '../model/events.ts'
import type {JsonValue} from '../source.ts'
import {windowIn} from './coverage-sql.ts'
import type {LoggedEvent, RejectedIn, Reject, RunEvent, StoredBookmark, StoredRow} from './warehouse.ts'

/** A row of any warehouse, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What a run logs of itself and of its commits; what is known of past runs comes from these. */
export const EVENTS_OF_RUNS: readonly EventType[] = [
  'job.started',
  'job.completed',
  'job.failed',
  'ingestion.completed',
  'ingestion.failed',
  'tables.seeded',
  'plan.applied',
]

/** Needs the columns of an event, and `place` and `undone`. */
export const runEventIn = (row: Row): RunEvent => ({
  ...loggedEventIn(row),
  place: Number(row['place']),
  isUndone: row['undone'] === true || row['undone'] === 'true',
})

/** Needs the columns of the event log, with `created_ms` for its time, and the payload as JSON text. */
export const loggedEventIn = (row: Row): LoggedEvent => ({
  runId: textOf(row['correlation_id']),
  type: textOf(row['event_type']) as EventType,
  sourceSystem: textOf(row['source_system']),
  objectType: textOf(row['object_type']),
  at: Number(row['created_ms']),
  error: typeof row['error_message'] === 'string' ? row['error_message'] : null,
  payload: typeof row['payload'] === 'string' ? (JSON.parse(row['payload']) as JsonValue) : null,
})

/** Needs `run_id`, the columns of a stream, `reference`, `reason`, `created_ms`, `state`, and those of what it was met in; `seen_from_ms` may be there. */
export const rejectIn = (row: Row): Reject => ({
  runId: textOf(row['run_id']),
  stream: {sourceSystem: textOf(row['source_system']), objectType: textOf(row['object_type'])},
  reference: textOf(row['reference']),
  reason: textOf(row['reason']),
  at: new Date(Number(row['created_ms'])).toISOString(),
  ...(typeof row['seen_from_ms'] === 'number' && {seenFrom: row['seen_from_ms']}),
  open: row['state'] === 'open',
  ...(typeof row['until'] === 'number' || typeof row['until'] === 'string' ? {rejectedIn: rejectedIn(row)} : {}),
})

const rejectedIn = (row: Row): RejectedIn => ({
  job: textOf(row['job']),
  account: typeof row['account'] === 'string' ? row['account'] : null,
  selection: textOf(row['selection']),
  window: windowIn(row),
  ...(typeof row['bookmark'] === 'string' &&
    row['bookmark'] !== 'null' && {bookmark: JSON.parse(row['bookmark']) as JsonValue}),
})

/** Needs `external_id`, `payload` as JSON text, `first_ms` and `last_ms`. */
export const storedRowIn = (row: Row): StoredRow => ({
  externalId: typeof row['external_id'] === 'string' ? row['external_id'] : null,
  payload: textOf(row['payload']),
  firstSeen: Number(row['first_ms']),
  lastSeen: Number(row['last_ms']),
})

const bookmarkShape = z.object({value: z.json(), at: z.iso.datetime()})

/** Reads the JSON text of `payload.bookmark`. */
export function parseBookmark(text: string): StoredBookmark {
  const {value, at} = bookmarkShape.parse(JSON.parse(text))
  return {value, at: Date.parse(at)}
}

/** Reads the JSON text of `payload.checkpoint`. */
export const parseCheckpoint = (text: string): {readonly value: JsonValue} =>
  z.object({value: z.json()}).parse(JSON.parse(text))
