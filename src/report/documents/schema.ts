import * as z from 'zod'

import {SCHEMA_POLICIES} from '../../model/schema-policy.ts'
import {SCHEMA_TYPES} from '../../model/stream-schema.ts'
import type {DocumentOf} from './document.ts'
import * as names from './names.ts'

export const schemaTypes = z.array(z.enum(SCHEMA_TYPES))
export const schemaPath = z
  .string()
  .describe('JSON pointer into a record, in which * is any element or member; empty: the record itself.')
export const schemaAlways = z.boolean().describe('Every object that can have it has it.')

export const schemaChangeMember = z.strictObject({
  path: schemaPath,
  was: schemaTypes.nullable().describe('The types before; null: the path is new.'),
  types: schemaTypes.describe('The types that are known now.'),
  was_always: z.boolean().describe('Every object that can have it had it before.'),
  always: schemaAlways,
  count: z.int().nonnegative().describe('How many of the objects in the slice that told it have it.'),
  of: z.int().nonnegative().describe('How many could have it.'),
  example: z.string().optional().describe('The key of a record that shows it.'),
})

const changeOfStream = z.strictObject({
  source_system: names.sourceSystem,
  object_type: names.objectType,
  ...schemaChangeMember.shape,
})

/** Stands in a run that read records of a shape which their stream did not have before. */
export const schemaMember = z.strictObject({
  policy: z.enum(SCHEMA_POLICIES).describe('What the job does about it.'),
  changes: z.array(changeOfStream).describe('What is new, in the order in which it was read.'),
})

export type SchemaChangeMember = DocumentOf<typeof schemaChangeMember>
export type SchemaMember = DocumentOf<typeof schemaMember>
