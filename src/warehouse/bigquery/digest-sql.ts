import {COMPARED} from '../../model/raw-object-columns.ts'

/** Makes 60 bits of a text, which an engine on this machine makes as well. */
const bitsOf = (text: string): string => `CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(${text})), 1, 15)) AS INT64)`
export const bitsHere = (text: string): string => `('0x' || substr(md5(${text}), 1, 15))::BIGINT`

/** Values of `stored` that are compared, the missing ones told apart. */
const VALUES = COMPARED.map(({name, type}) =>
  type === 'JSON' ? `TO_JSON_STRING(stored.${name})` : `IFNULL(CONCAT('=', CAST(stored.${name} AS STRING)), '')`,
)

/** Makes the bits of a stored row that is replaced. */
export const BITS_OF_REPLACED = bitsOf(`CONCAT('replaced', '\\n', stored.idem_key, '\\n', ${VALUES.join(", '\\n', ")})`)

/** Makes those of a stored row that stays, because it is the same or was read later. */
export const bitsOfKept = (newer: string): string => bitsOf(`CONCAT(IF(${newer}, 'newer', 'kept'), '\\n', idem_key)`)

const ALL_BITS = 'CAST(IFNULL(BIT_XOR(bits), 0) AS STRING)'
export const bitsIn = (rows: string): string => `SELECT ${ALL_BITS} AS bits FROM ${rows}`

/** Holds where `rows`, called stored, are those of the keys in `table`, so many, and what is replaced is as it was found. */
export const isAsDigested = (rows: string, table: string, keys: number): string =>
  `(SELECT CONCAT(CAST(COUNT(*) AS STRING), ' ', CAST(COUNTIF(is_known) AS STRING), ' ', ${ALL_BITS}) FROM (
   SELECT stored.idem_key IN (SELECT idem_key FROM ${table}) AS is_known,
          IF(stored.idem_key IN (SELECT idem_key FROM ${table} WHERE changed), ${BITS_OF_REPLACED}, 0) AS bits FROM ${rows}))
  = CONCAT('${keys} ${keys} ', (${bitsIn(`${table} WHERE changed`)}))`
