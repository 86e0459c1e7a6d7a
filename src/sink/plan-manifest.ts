import * as z from 'zod'

import type {Event} from '../model/events.ts'
import type {JsonValue} from '../source.ts'
import type {Diff} from './diff.ts'

const count = z.int().nonnegative()
const instant = z.iso.datetime()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** Whatever was parsed is JSON. */
const json = z.custom<JsonValue>((value) => value !== undefined)
const stream = z.strictObject({sourceSystem: z.string(), objectType: z.string()})

/** No other ones are in a plan: what a run logs of itself is told by whoever applies it. */
const EVENT_TYPES = [
  'ingestion.completed',
  'record.rejected',
  'object.deleted',
  'keys.swept',
  'schema.changed',
] as const satisfies readonly Event['event_type'][]

const eventShape = z.strictObject({
  event_id: z.string(),
  event_type: z.enum(EVENT_TYPES),
  source_system: z.string(),
  object_type: z.string(),
  idem_key: z.string().nullable(),
  correlation_id: z.string(),
  trace_id: z.null(),
  created_at: instant,
  status: z.enum(['ok', 'failed']),
  error_message: z.string().nullable(),
  payload: z.record(z.string(), json).nullable(),
})

const rowCounts = z.strictObject({inserted: count, updated: count, unchanged: count, duplicates: count})

const commitShape = z.strictObject({
  /** So many lines of records. */
  rows: count,
  counts: z.array(z.strictObject({objectType: z.string(), rows: rowCounts})),
  /** That of what it met, so that it meets the same; missing where there are no records, and in the first plans. */
  digest: z.string().optional(),
  events: z.array(eventShape),
  members: z.array(z.strictObject({holds: z.enum(['records', 'lone record', 'events']), bytes: count, sha256})),
})

/** What production said of the streams when the plan was made; see `ProductionState`. */
const stateShape = z.strictObject({
  streams: z.array(
    z.strictObject({
      covered: z.array(z.strictObject({since: instant.nullable(), until: instant})),
      bookmark: z.strictObject({value: json, at: instant}).nullable(),
    }),
  ),
  lastCommit: z.strictObject({runId: z.string(), commits: count}).nullable(),
  lastUndo: z.string().nullable(),
})

const comparedCounts = z.strictObject({
  insert: count,
  update: count,
  unchanged: count,
  newer: count,
  duplicate: count,
})

const diffShape = z.strictObject({
  table: z.string(),
  tableExists: z.boolean(),
  at: instant,
  counts: comparedCounts,
  byObjectType: z.array(z.tuple([z.string(), comparedCounts])),
  paths: z.array(z.strictObject({path: z.string(), records: count})),
  changesElsewhere: count,
  inserted: z.array(z.strictObject({idemKey: z.string(), payload: z.string()})),
  updated: z.array(
    z.strictObject({
      idemKey: z.string(),
      lastSeen: instant,
      changes: z.array(
        z.strictObject({
          op: z.enum(['add', 'remove', 'replace']),
          path: z.array(z.string()),
          from: json.optional(),
          to: json.optional(),
        }),
      ),
    }),
  ),
  deleted: z.strictObject({count, keys: z.array(z.string())}),
})

/** All that a plan says beside records and events. It has no option of the job, and no secret. */
const manifestShape = z.strictObject({
  schema: z.literal(1),
  /** The version that made it. */
  lorchestra: z.string(),
  madeAt: instant,
  /** Rows say that they were read then. */
  readAt: instant,
  expiresAt: instant,
  runId: z.string(),
  job: z.string(),
  account: z.string().nullable(),
  source: z.string(),
  /** Each has the hash of what selects its records. */
  streams: z.array(stream.extend({selection: z.string()})).min(1),
  warehouse: z.strictObject({type: z.string(), place: z.string(), eventLog: z.string(), rawObjects: z.string()}),
  /** Those of a line of records, in their order. */
  columns: z.array(z.string()),
  madeAgainst: stateShape,
  commits: z.array(commitShape).min(1),
  /** What became of the records, as a dry run counts them. */
  counts: z.record(z.string(), count),
  diff: diffShape,
})

export type PlanManifest = z.infer<typeof manifestShape>
export type PlannedCommit = z.infer<typeof commitShape>
export type PlannedState = z.infer<typeof stateShape>

/** `undefined` for what another version wrote, or another program. */
export function readManifest(text: string): PlanManifest | undefined {
  try {
    return manifestShape.safeParse(JSON.parse(text)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** `undefined` for a line that a plan does not hold. */
export const readPlannedEvent = (line: string): z.infer<typeof eventShape> | undefined =>
  eventShape.safeParse(JSON.parse(line)).data

/** Nobody has moved production while it was read, or there were no plan. */
export const diffAsPlanned = ({moved: _, at, byObjectType, updated, ...diff}: Diff): object => ({
  ...diff,
  at: at.toISOString(),
  byObjectType: [...byObjectType],
  updated: updated.map((sample) => ({...sample, lastSeen: sample.lastSeen.toISOString()})),
})

export const diffOfPlan = ({diff: {at, byObjectType, updated, ...diff}}: PlanManifest): Diff => ({
  ...diff,
  at: new Date(at),
  byObjectType: new Map(byObjectType),
  updated: updated.map(({changes, idemKey, lastSeen}) => ({
    idemKey,
    lastSeen: new Date(lastSeen),
    changes: changes.map(({op, path, from, to}) => ({
      op,
      path,
      ...(from !== undefined && {from}),
      ...(to !== undefined && {to}),
    })),
  })),
  moved: undefined,
})
