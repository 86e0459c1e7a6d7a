import {z} from 'zod'

const text = () => z.string().trim().min(1)
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/
const objectType = () => z.string().regex(NAME, 'must be a name of small letters, digits, - and _')

const isEncoding = (label: string): boolean => {
  try {
    return new TextDecoder(label).encoding !== ''
  } catch {
    return false
  }
}

/** What may be said of all files of a stream; each stream of `streams` may say it anew. */
const reading = {
  format: z
    .enum(['csv', 'jsonl', 'json', 'parquet', 'mbox'])
    .optional()
    .describe(
      'What the files hold. Left out: what their names end in (.csv, .tsv, .jsonl, .ndjson, .json, .parquet, .mbox)',
    ),
  key: z
    .union([text(), z.array(text()).min(1)], {error: 'expected the name of a column, a list of them, or content'})
    .optional()
    .meta({
      description:
        'Columns whose values name a record for ever, or `content`: all of them, so that a record that changes is a new one. Mail needs none',
    }),
  window: z
    .union(
      [
        z.literal('modified'),
        z.strictObject({column: text(), format: z.enum(['iso', 'unix', 'unix-ms']).default('iso')}),
      ],
      {
        error: 'expected modified, or column: with the name of a column',
      },
    )
    .optional()
    .meta({
      description:
        'What --since, --until and start: select by: `modified`, the time of the file, or `column:`, a time in the record. Left out: nothing, each run reads what is new',
      examples: [{column: 'updated_at'}],
    }),
  encoding: text()
    .refine(isEncoding, 'is no encoding that is known here; utf-8, windows-1252 and utf-16le are some')
    .default('utf-8')
    .describe('How text files without a byte order mark are written'),
  delimiter: z
    .string()
    .min(1)
    .max(8)
    .optional()
    .meta({description: 'CSV: what stands between fields. Left out: a comma, in .tsv a tab', examples: [';']}),
  quote: z.string().length(1).default('"').describe('CSV: what fields are quoted with; within a field it is doubled'),
  header: z.boolean().default(true).describe('CSV: the first line names the columns'),
  columns: z
    .array(z.string())
    .min(1)
    .optional()
    .meta({description: 'CSV: names of all columns, instead of those of the header', examples: [['id', 'name']]}),
  skip_lines: z.int().min(0).max(1000).default(0).describe('CSV: lines before the header or the first record'),
  types: z
    .record(z.string(), z.enum(['number', 'boolean', 'json']))
    .optional()
    .meta({
      description: 'CSV: columns that are no text; an empty field of theirs is null',
      examples: [{amount: 'number', paid: 'boolean'}],
    }),
}

const stream = z.strictObject({
  path: text(),
  ...Object.fromEntries(Object.entries(reading).map(([name, schema]) => [name, schema.optional()])),
} as unknown as {path: z.ZodString} & {readonly [Name in keyof typeof reading]: z.ZodOptional<(typeof reading)[Name]>})

export const options = z
  .strictObject({
    path: text().optional().meta({
      description:
        'A file, or a pattern of files: * and ? within a name, ** for any folders, {a,b}. Relative to the folder of lorchestra.yaml',
    }),
    object: objectType().default('record').describe('What kind of thing a record of `path` is'),
    ...reading,
    streams: z
      .record(objectType(), z.union([text(), stream], {error: 'expected a path, or options with one'}))
      .optional()
      .meta({
        description:
          'Several kinds of things: for each its path, or its own path, key and so on; the options beside are for all',
        examples: [{order: 'orders/*.csv', customer: 'customers/*.csv'}],
      }),
  })
  .superRefine(({path, streams}, context) => {
    if (path === undefined && streams === undefined)
      context.addIssue({code: 'custom', path: ['path'], message: 'which files? Set path, or streams'})
    if (path !== undefined && streams !== undefined)
      context.addIssue({code: 'custom', path: ['path'], message: 'set either path or streams'})
    if (streams !== undefined && Object.keys(streams).length === 0)
      context.addIssue({code: 'custom', path: ['streams'], message: 'names no stream'})
  })
  .superRefine((given, context) => {
    for (const {objectType: name, key, format, path} of settingsOf(given))
      if (key === undefined && format !== 'mbox' && !/\.mbox(?:\.\w+)?$/i.test(path))
        context.addIssue({
          code: 'custom',
          path: given.streams === undefined ? ['key'] : ['streams', name, 'key'],
          message: 'name the columns that tell one record from another, or content',
        })
  })

export type Options = z.output<typeof options>
type Reading = Pick<Options, keyof typeof reading>

/** All that is said of one stream. */
export interface StreamSettings extends Reading {
  readonly objectType: string
  readonly path: string
}

/** Puts together what each stream says and what is said of all. */
export function settingsOf(given: Options): readonly StreamSettings[] {
  const {path = '', object, streams, ...common} = given
  if (streams === undefined) return [{...common, objectType: object, path}]
  return Object.entries(streams).map(([name, own]) => ({
    ...common,
    ...(typeof own === 'string' ? {path: own} : own),
    objectType: name,
  })) as readonly StreamSettings[]
}
