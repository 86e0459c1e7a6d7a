import * as z from 'zod'

import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {schemaPath} from './schema.ts'

const column = z.strictObject({
  name: z.string().describe('Its name in the view.'),
  path: schemaPath,
  type: z
    .enum(['integer', 'number', 'boolean', 'timestamp', 'text', 'json'])
    .describe('What its values are; json: lists, maps, values of several types, and what lies deep.'),
})
const view = {
  name: z.string().describe('Name of the view.'),
  source_system: names.sourceSystem,
  object_type: names.objectType,
}
const about = {job: names.job, warehouse: names.warehouse}

const columnsOf = <Column extends z.ZodType>(element: Column) =>
  z.array(element).describe('After the key, the id and the two times of the row.')

const viewsWith = <Members extends z.ZodRawShape>(members: Members) =>
  z.array(z.strictObject({...view, ...members})).describe('One element a stream that the job has read.')

export const viewsPrintDocument = document({
  ...about,
  views: viewsWith({
    columns: columnsOf(column),
    sql: z.string().describe('The query that the view is.'),
  }),
})

export const viewsCreateDocument = document({
  ...about,
  views: viewsWith({
    columns: columnsOf(column),
    replaced: z.boolean().describe('It took the place of one that lorchestra had made.'),
  }),
})

export const viewsCheckDocument = document({
  ...about,
  views: viewsWith({
    columns: columnsOf(
      column.extend({lost: z.int().nonnegative().describe('Values that the view makes NULL or another one of.')}),
    ),
  }),
})

export type ViewsPrintDocument = DocumentOf<typeof viewsPrintDocument>
export type ViewsCreateDocument = DocumentOf<typeof viewsCreateDocument>
export type ViewsCheckDocument = DocumentOf<typeof viewsCheckDocument>
