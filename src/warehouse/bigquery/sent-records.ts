import {COMPARED_COLUMNS, type LocalRecord} from '../local-batch.ts'
import {asJson} from './commit-sql.ts'

/** Stands for a value that is missing, in a list of texts. */
const MISSING = '\u001E'

/** Selects records from parameters, each a list of texts on lines of their own: neither keys, nor JSON, nor columns hold a line end. */
export function sentRecords(prefix: string): string {
  const lists = ['idem_key', 'payload', ...COMPARED_COLUMNS]
  const from = lists
    .map((name) => `UNNEST(SPLIT(@${prefix}${name}, '\\n')) AS ${name} WITH OFFSET AS ${name}_place`)
    .map((list, index) => (index === 0 ? list : `JOIN ${list} ON ${lists[index] ?? ''}_place = idem_key_place`))
  const columns = COMPARED_COLUMNS.map((name) => `, NULLIF(${name}, '${MISSING}') AS ${name}`)
  return `SELECT idem_key, ${asJson('payload', 'SAFE.')} AS payload${columns.join('')} FROM ${from.join(' ')}`
}

/** Gives the parameters from which `sentRecords` of the same prefix selects. */
export const parametersOf = (prefix: string, records: readonly LocalRecord[]): Readonly<Record<string, string>> => ({
  [`${prefix}idem_key`]: records.map(({idemKey}) => idemKey).join('\n'),
  [`${prefix}payload`]: records.map(({payload}) => payload).join('\n'),
  ...Object.fromEntries(
    COMPARED_COLUMNS.map((name, index) => [
      `${prefix}${name}`,
      records.map(({values}) => values[index] ?? MISSING).join('\n'),
    ]),
  ),
})

/** Selects the places, from 0, of those payloads that cannot be read; their texts stand on lines of their own. */
export const UNREADABLE_PLACES = `SELECT CAST(place AS STRING) AS place
 FROM UNNEST(SPLIT(@payload, '\\n')) AS payload WITH OFFSET AS place WHERE ${asJson('payload', 'SAFE.')} IS NULL`
