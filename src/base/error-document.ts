import * as z from 'zod'

import {ERROR_CODES} from './error-codes.ts'
import {EXIT, type Outcome} from './errors.ts'

const OUTCOMES = Object.keys(EXIT) as [Outcome, ...Outcome[]]

/** This is what a document says of an error. Only types are taken from here while the program runs: zod is slow to load. */
export const errorMember = z
  .strictObject({
    outcome: z
      .enum(OUTCOMES)
      .exclude(['done', 'rejects'])
      .describe('What kind of error it is; the exit code follows from it.'),
    code: z.enum(ERROR_CODES).describe('The condition, as docs/errors.md describes it.'),
    message: z.string().describe('What is wrong, in one line for a person.'),
    next: z.string().optional().describe('What to do about it.'),
  })
  .meta({id: 'error', description: 'Why something was not done.'})

export const errorDocument = z.strictObject({
  schema: z.literal(1).describe('The version of this document.'),
  error: errorMember,
})

export type ErrorMember = Readonly<z.infer<typeof errorMember>>
export type ErrorDocument = Readonly<z.infer<typeof errorDocument>>
