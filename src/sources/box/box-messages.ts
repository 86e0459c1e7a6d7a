import {z} from 'zod'

import {LOG_LEVELS} from '../../base/log.ts'
import {MOST_PATHS, SHAPE_TYPES} from '../../model/record-shape.ts'
import {isErrorMessage, type ErrorMessage} from './error-message.ts'

/** What a box may say. Whatever runs in it may say anything, so nothing is read that does not fit. */
const context = z.int().nonnegative()
const name = z.string().max(1000)
const count = z.unknown()

const errorMessage = z.custom<ErrorMessage>(isErrorMessage)

export const told = {
  mask: z.tuple([z.string()]),
  log: z.tuple([
    context,
    z.enum(LOG_LEVELS),
    z.string(),
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullable(),
  ]),
  progress: z.tuple([
    context,
    z.strictObject({
      objectType: z.string().optional(),
      listed: count.optional(),
      outside: count.optional(),
      gone: count.optional(),
      waitingUntil: z.iso.datetime().optional(),
    }),
  ]),
  reject: z.tuple([context, z.string(), z.string(), z.string().nullable()]),
  observe: z.tuple([
    context,
    z.strictObject({
      units: z.number().nonnegative().optional(),
      waitingUntil: z.iso.datetime().optional(),
      serverTime: z.iso.datetime().optional(),
    }),
  ]),
  uncaught: z.tuple([errorMessage]),
  late: z.tuple([]),
  idle: z.tuple([]),
  loginTell: z.tuple([context, z.string()]),
}

export const asked = {
  known: z.tuple([context, z.unknown()]),
  stored: z.tuple([context, z.unknown()]),
  secretGet: z.tuple([name]),
  secretUpdate: z.tuple([name, z.int()]),
  loginOpen: z.tuple([context, z.url()]),
}

const names = z.array(z.string())
/** Names of 100 characters, twelve deep; `~` and `/` in them take two. */
const path = z
  .string()
  .max(2500)
  .regex(/^\//)
  .refine((text) => text.isWellFormed())
const shapes = z.array(
  z.strictObject({
    objectType: z.string(),
    records: z.int().nonnegative(),
    morePaths: z.boolean(),
    paths: z
      .array(
        z.strictObject({
          path,
          types: z.partialRecord(z.enum(SHAPE_TYPES), z.string().max(1100)),
          count: z.int().nonnegative(),
          objects: z.int().nonnegative(),
        }),
      )
      .max(MOST_PATHS + 1),
  }),
)

export const answers = {
  list: z.array(
    z.union([
      z.strictObject({problem: z.literal('no function')}),
      z.strictObject({
        descriptors: z.array(
          z
            .object({
              apiVersion: z.unknown().optional(),
              name: z.unknown().optional(),
              summary: z.unknown().optional(),
              reads: z.unknown().optional(),
              spawn: z.unknown().optional(),
              load: z.string(),
            })
            .nullable(),
        ),
      }),
    ]),
  ),
  load: z.union([
    z.strictObject({wrong: z.string()}),
    z.object({
      name: z.string(),
      summary: z.string(),
      methods: names,
      secrets: names.optional(),
      selection: names.optional(),
      narrowing: names.optional(),
      starter: z.strictObject({account: z.string(), job: z.string()}).optional(),
      defaults: z.record(z.string(), z.unknown()).optional(),
      schema: z.unknown().optional(),
    }),
  ]),
  validate: z.union([
    z.object({
      issues: z.array(
        z.looseObject({message: z.string(), path: z.array(z.union([z.string(), z.number()])), keys: names.optional()}),
      ),
    }),
    z.object({
      values: z.record(z.string(), z.unknown()),
      streams: z.union([z.strictObject({value: z.unknown().optional()}), z.strictObject({error: errorMessage})]),
      rateLimit: z.union([z.strictObject({value: z.unknown().optional()}), z.strictObject({error: errorMessage})]),
    }),
  ]),
  next: z.union([
    z.strictObject({shapes}),
    z.object({
      objectType: z.string().optional(),
      extracted: z.int().nonnegative(),
      records: z.int().nonnegative(),
      rejections: z.array(z.strictObject({reference: z.string(), reason: z.string()})),
      deleted: names.optional(),
      bookmark: z.unknown().optional(),
      checkpoint: z.literal(true).optional(),
      shapes: shapes.optional(),
    }),
  ]),
  return: z.strictObject({shapes}),
  nextKeys: names.max(10_000).nullable(),
  keys: z.array(z.union([z.strictObject({idemKey: z.string()}), z.strictObject({problem: z.string()})])).max(10_000),
}
