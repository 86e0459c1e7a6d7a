import type {StreamSettings} from './options.ts'
import type {Format} from './reading.ts'

type Name = NonNullable<StreamSettings['format']>

const ENDINGS: Readonly<Record<string, Name>> = {
  csv: 'csv',
  tsv: 'csv',
  tab: 'csv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  parquet: 'parquet',
  mbox: 'mbox',
}

const WORKBOOK = /^(?:xls[xmb]?|ods|numbers)$/i

interface Known {
  /** Whether a file that grew is read on from where it was. */
  readonly grows: boolean
  readonly load: () => Promise<Format>
}

const FORMATS: Readonly<Record<Name, Known>> = {
  csv: {grows: true, load: async () => (await import('./csv.ts')).readCsv},
  jsonl: {grows: true, load: async () => (await import('./json-lines.ts')).readJsonLines},
  json: {grows: true, load: async () => (await import('./json-records.ts')).readJsonRecords},
  parquet: {grows: false, load: async () => (await import('./parquet.ts')).readParquet},
  mbox: {grows: true, load: async () => (await import('./mbox.ts')).readMbox},
}

/** Finds how a file is read, by what the options say or its name ends in. */
export function formatOf(name: string, {format}: StreamSettings): Known {
  const [, ending = ''] = /\.(\w+)(?:\.(?:gz|gzip|zst|zstd))?$/i.exec(name) ?? []
  if (format === undefined && WORKBOOK.test(ending))
    throw new Error('it is a workbook, which is not read; save the sheet as CSV (UTF-8)')
  const found = format ?? ENDINGS[ending.toLowerCase()]
  if (found === undefined) throw new Error('its name does not tell what it holds; set format')
  return FORMATS[found]
}
