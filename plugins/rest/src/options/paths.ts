import {z} from 'zod'

const SEGMENT = String.raw`(?:[^.\s{}]+)`
export const OBJECT_TYPE = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** A dotted path says where in a JSON value something is: `data.items`; numbers count in lists. */
export const path = z
  .string()
  .regex(new RegExp(`^${SEGMENT}(?:\\.${SEGMENT})*$`), 'must be a dotted path, such as data.items')

export const objectType = z.string().regex(OBJECT_TYPE, 'must be 1 to 63 of a-z, 0-9, _ and -')

export const parameterName = z.string().trim().min(1)
