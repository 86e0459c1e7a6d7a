import type {CsvShape} from './csv-text.ts'
import type {StreamSettings} from './options.ts'

export const csvShapeOf = ({delimiter, quote, path}: StreamSettings): CsvShape => ({
  delimiter: delimiter ?? (/\.(?:tsv|tab)(?:\.\w+)?$/i.test(path) ? '\t' : ','),
  quote,
})
