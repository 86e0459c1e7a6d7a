import {z} from 'zod'

import {presetNamed, presetNames, presetSummaries} from '../preset.ts'
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
    .meta({
      description: 'Settings of a known service: address, credentials, paging, streams',
      enum: presetNames(),
      // Editors show these beside the names.
      enumDescriptions: presetSummaries(),
    }),
  values: z
    .record(z.string().regex(/^\w+$/, 'must be a word'), z.union([z.string().min(1), z.number()]), 'must be a map')
    .default({})
    .meta({description: 'What {name} stands for in paths, parameters and bodies', examples: [{owner: 'ada'}]}),
  base_url: z
    .url({protocol: /^https?$/, error: 'must be an https address'})
    .optional()
    .describe('Address that paths begin at; requests go to its host alone'),
  auth: auth.optional().describe('How requests are signed; left out: not at all'),
  headers: headers.default({}).meta({description: 'Headers of each request', examples: [{Accept: 'application/json'}]}),
  units_per_minute: z
    .number()
    .positive()
    .optional()
    .meta({description: 'Requests that the service takes in a minute', examples: [600]}),
  rate_limit: z
    .strictObject({
      remaining: parameterName.describe('Header with the number of requests that are left'),
      reset: parameterName.describe('Header with the time when there are more: seconds since 1970, or from now'),
    })
    .optional()
    .meta({
      description: 'Headers that say when the service wants a pause',
      examples: [{remaining: 'X-RateLimit-Remaining', reset: 'X-RateLimit-Reset'}],
    }),
  identity: z
    .strictObject({
      path: z.string().trim().min(1).describe('Path that answers with the account'),
      field: path.describe('Where that answer names it'),
    })
    .optional()
    .meta({
      description: "Whose data it is, so that another account's is refused",
      examples: [{path: '/me', field: 'login'}],
    }),
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
    .describe(
      'Several streams: a list of those of the preset, such as [issue, commit], or a map by object type; what the job says beside them holds for each',
    ),
})

export type Options = z.output<typeof shape>
