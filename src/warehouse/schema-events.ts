import * as z from 'zod'

import {SCHEMA_TYPES, type SchemaChange} from '../model/stream-schema.ts'
import {textOf, type Row} from './event-rows.ts'
import type {SchemaEvent} from './warehouse.ts'

const types = z.array(z.enum(SCHEMA_TYPES))
const changeShape = z
  .object({
    path: z.string(),
    types,
    always: z.boolean(),
    was: types.nullable(),
    was_always: z.boolean(),
    count: z.number(),
    of: z.number(),
    example: z.string().optional(),
  })
  .transform(({was_always: wasAlways, example, ...change}): SchemaChange => ({
    ...change,
    wasAlways,
    ...(example !== undefined && {example}),
  }))
const payloadShape = z.object({
  schema: z.literal(1),
  initial: z.literal(true).optional(),
  changes: z.array(changeShape),
})
const TYPES: readonly string[] = ['schema.changed', 'schema.refused', 'schema.accepted'] satisfies SchemaEvent['type'][]

/** They are read in this order, which is that of their folding. */
export const SCHEMA_EVENTS = TYPES.map((type) => `'${type}'`).join(', ')

/**
 * Needs `event_type`, `correlation_id`, `created_ms`, and the payload as JSON text. What another tool or a later version wrote is
 * passed over.
 */
export function schemaEventsIn(rows: readonly Row[]): readonly SchemaEvent[] {
  return rows.flatMap((row) => {
    const payload = payloadShape.safeParse(JSON.parse(textOf(row['payload']) || 'null'))
    if (!payload.success) return []
    const {initial = false, changes} = payload.data
    return [
      {
        type: textOf(row['event_type']) as SchemaEvent['type'],
        runId: textOf(row['correlation_id']),
        at: Number(row['created_ms']),
        initial,
        changes,
      },
    ]
  })
}

/** Writes what an event says of changes, as `schemaEventsIn` reads it. */
export const changesAsPayload = (changes: readonly SchemaChange[]) =>
  changes.map(({wasAlways, types: of, was, ...change}) => ({
    ...change,
    types: [...of],
    was: was === null ? null : [...was],
    was_always: wasAlways,
  }))
