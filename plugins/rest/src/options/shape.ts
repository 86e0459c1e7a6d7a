import {z} from 'zod'

import {presetNamed, presetNames} from '../preset.ts'
import {auth} from './auth.ts'
import {objectType, parameterName, path} from './paths.ts'
import {stream, streamShape} from './stream.ts'

/** These would be printed if they stood among the headers. */
const CREDENTIAL = /^(?:authorization|proxy-authorization|cookie)$|key|token|secret|password/i

const headers = z
  .record(z.string().regex(/^[\w.-]+$/, 'is not the name of a header'), z.string(), 'must be a map of headers')
  .superRefine((given, context) => {
    for (const name of Object.keys(given))
      if (CREDENTIAL.test(name))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'is a credential: say it under auth, {type: api_key, name: …, key: …} for a header',
        })
  })

export const shape = z.strictObject({
  preset: z
    .string()
    .refine((name) => presetNamed(name) !== undefined, {error: `is none of the presets: ${presetNames().join(', ')}`})
    .optional()
    .describe('Settings of a known service: address, credentials, paging, streams'),
  values: z
    .record(z.string().regex(/^\w+$/, 'must be a word'), z.union([z.string().min(1), z.number()]), 'must be a map')
    .default({})
    .describe('What {name} stands for in paths, parameters and bodies'),
  base_url: z
    .url({protocol: /^https?$/, error: 'must be an https address'})
    .optional()
    .describe('Address that paths begin at; requests go to its host alone'),
  auth: auth.optional().describe('How requests are signed; left out: not at all'),
  headers: headers.default({}).describe('Headers of each request'),
  units_per_minute: z.number().positive().optional().describe('Requests that the service takes in a minute'),
  rate_limit: z
    .strictObject({
      remaining: parameterName.describe('Header with the number of requests that are left'),
      reset: parameterName.describe('Header with the time when there are more: seconds since 1970, or from now'),
    })
    .optional()
    .describe('Headers that say when the service wants a pause'),
  identity: z
    .strictObject({
      path: z.string().trim().min(1).describe('Path that answers with the account'),
      field: path.describe('Where that answer names it'),
    })
    .optional()
    .describe("Whose data it is, so that another account's is refused"),
  object: objectType.optional().describe('What keys begin with, for a job with one stream'),
  ...streamShape,
  streams: z
    .union(
      [
        z.array(objectType).min(1),
        z.record(
          objectType,
          stream.nullable().transform((given) => given ?? {}),
        ),
      ],
      'must be a map of object types, or a list of streams of the preset',
    )
    .optional()
    .describe('Several streams, by object type; what the job says beside them holds for each'),
})

export type Options = z.output<typeof shape>
