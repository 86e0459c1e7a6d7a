import {z} from 'zod'

import {pages} from './pages.ts'
import {objectType, parameterName, path} from './paths.ts'

const status = z.int().min(200).max(499)
const scalar = z.union([z.string(), z.number(), z.boolean()], 'must be a text, a number, true or false')
const parameter = z.union([scalar, z.array(z.string())], 'must be a text, a number, true, false or a list of texts')

export const FORMATS = ['iso', 'iso-seconds', 'date', 'unix', 'unix-ms'] as const

export const window = z.strictObject({
  since: parameterName.optional().describe('Parameter that selects what is not older'),
  until: parameterName.optional().describe('Parameter that selects what is older'),
  format: z.enum(FORMATS).default('iso').describe('How times are written in parameters'),
  field: path
    .optional()
    .describe(
      'Where a record holds the time that its window is judged by; needed unless the service is asked for both ends',
    ),
  order: z
    .enum(['ascending', 'descending'])
    .optional()
    .describe('Order of field in the list, so that reading can end early; records out of order fail the slice'),
})

/** What says how one stream is read; a job with one stream has them beside the options of the account. */
export const streamShape = {
  path: z.string().trim().min(1).describe('Path below base_url; {owner} stands for one of values').optional(),
  method: z.enum(['GET', 'POST']).describe('POST: a search that changes nothing').optional(),
  params: z
    .record(z.string(), parameter, 'must be a map of parameters')
    .meta({description: 'Parameters of each request', examples: [{state: 'all'}]})
    .optional(),
  body: z
    .record(z.string(), z.json(), 'must be a map, which is sent as JSON')
    .meta({
      description: 'Body of a POST; {window.since} and {window.until} stand for times',
      examples: [{after: '{window.since}'}],
    })
    .optional(),
  records: z
    .union([z.literal(''), path], 'must be a dotted path, or empty where the answer itself is the list')
    .describe("Where the answer holds the list of records; '' where the answer is the list")
    .optional(),
  single: z.boolean().describe('The answer holds one record instead of a list').optional(),
  key: z
    .union([path, z.array(path).min(1)], 'must be a dotted path or a list of them')
    .describe('Where a record holds its id; a list where it takes several fields')
    .optional(),
  window: window.describe('How records are selected by time; left out: all are read in each run').optional(),
  pages: pages.describe('How the next page is asked for').optional(),
  total: path
    .meta({
      description: 'Where the answer says how many records there are; fewer fail the slice',
      examples: ['meta.total'],
    })
    .optional(),
  total_header: parameterName
    .meta({description: 'Header that says how many records there are', examples: ['X-Total-Count']})
    .optional(),
  empty: z
    .array(status)
    .min(1)
    .meta({description: 'Statuses that mean that nothing is there, such as 404', examples: [[404]]})
    .optional(),
  error: path
    .meta({description: 'Where an answer with status 200 says that something is wrong', examples: ['error.message']})
    .optional(),
  deleted: z
    .strictObject({
      when: path.describe('Where a record says that it is deleted'),
      is: z
        .union([scalar, z.array(scalar).min(1)])
        .optional()
        .describe('Values that say so; left out: any but false'),
    })
    .meta({description: 'How a record says that it is deleted', examples: [{when: 'archived'}]})
    .optional(),
  changes: z
    .strictObject({
      path: path.optional().describe('Where the last page holds what the next run begins after'),
      last: path.optional().describe('Where the last record holds it'),
      param: parameterName.describe('Parameter that it is sent as'),
      first: z
        .record(z.string(), parameter)
        .optional()
        .describe('Parameters of the request that has no cursor yet, a time to begin at say'),
    })
    .meta({
      description: 'A cursor of the service, kept from one run to the next, so that each reads what is new',
      examples: [{path: 'next_sync_token', param: 'sync_token'}],
    })
    .optional(),
  for_each: objectType
    .meta({
      description: 'Object type of the records of each of which this is read; {ticket.id} in path',
      examples: ['ticket'],
    })
    .optional(),
  parent_fields: z
    .record(z.string(), path)
    .meta({
      description: 'Members to add to the record, and where the record that it belongs to holds them',
      examples: [{ticket_id: 'id'}],
    })
    .optional(),
} as const

export const stream = z.strictObject(streamShape)

export type StreamOptions = z.output<typeof stream>
export type WindowOptions = z.output<typeof window>
export type Parameter = z.output<typeof parameter>
