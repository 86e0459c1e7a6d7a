import {z} from 'zod'

import {parameterName, path} from './paths.ts'

const size = {
  size: z.int().min(1).optional().describe('Records of a page to ask for'),
  size_param: parameterName.optional().describe('Parameter that size is sent as'),
}
const fills = z
  .boolean()
  .default(false)
  .describe('The service fills every page but the last one up to size, so a shorter one ends the list')
const missingEnds = z
  .boolean()
  .default(false)
  .describe('A full first page that says nothing of a next one is the only page')

const end = path.optional().describe('Where the answer says true on the last page, whatever else it names')

const none = z.strictObject({by: z.literal('none')})
const link = z.strictObject({by: z.literal('link'), missing_ends: missingEnds, ...size})
const next = z.strictObject({
  by: z.literal('next'),
  path: path.describe('Where the answer holds the address of the next page'),
  end,
  missing_ends: missingEnds,
  ...size,
})
const cursor = z.strictObject({
  by: z.literal('cursor'),
  path: path.optional().describe('Where the answer holds the cursor of the next page'),
  last: path.optional().describe('Where the last record of a page holds what the next one begins after, its id say'),
  param: parameterName.describe('Parameter that the cursor is sent as; in a POST, a dotted path within the body'),
  more: path.optional().describe('Where the answer says true or false: whether there are more'),
  end,
  missing_ends: missingEnds,
  ...size,
})
const page = z.strictObject({
  by: z.literal('page'),
  param: parameterName.default('page').describe('Parameter that the number is sent as; in a POST, a dotted path'),
  start: z.int().min(0).default(1).describe('Number of the first page'),
  total_pages: path.optional().describe('Where the answer holds how many pages there are'),
  fills,
  ...size,
})
const offset = z.strictObject({
  by: z.literal('offset'),
  param: parameterName.default('offset').describe('Parameter that the number of records before the page is sent as'),
  start: z.int().min(0).default(0).describe('Offset of the first record'),
  fills,
  ...size,
})

export const pages = z
  .discriminatedUnion(
    'by',
    [none, link, next, cursor, page, offset],
    'needs by: link, next, cursor, page, offset or none',
  )
  .superRefine((given, context) => {
    const refuse = (name: string, message: string): void => context.addIssue({code: 'custom', path: [name], message})
    if ('size' in given && given.size_param !== undefined && given.size === undefined)
      refuse('size', 'is needed beside size_param')
    if ('fills' in given && given.fills && given.size === undefined) refuse('size', 'is needed beside fills')
    if (given.by !== 'cursor') return
    if (given.more !== undefined && given.end !== undefined)
      refuse('end', 'says the same as more; leave one of them out')
    if ((given.path === undefined) === (given.last === undefined))
      refuse('path', 'a cursor is either at path in the answer, or at last in the last record of a page')
  })

export type Pages = z.output<typeof pages>
