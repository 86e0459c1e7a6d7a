import {expect} from 'chai'

import {parseExactly} from '../../src/base/exact-json.ts'
import type {JsonObject} from '../../src/source.ts'
import {query} from './database.ts'
import {STORED_WHOLE, STORED_WITH_ALL_DIGITS} from './hostile-corpus.ts'

/** For answers of a local server: the n-th record of a service gets the n-th text as its member `hostile`. */
export const HOSTILE: readonly (readonly [what: string, text: string])[] = Object.entries({
  ...STORED_WHOLE,
  ...STORED_WITH_ALL_DIGITS,
})

/** Equal as JSON values, digits included. `ids` are the external ids of the records, in the order of `HOSTILE`. */
export async function expectStoredWhole(database: string, ids: readonly string[]): Promise<void> {
  const rows = await query(database, 'SELECT external_id, payload FROM raw_objects')
  const stored = new Map(rows.map((row) => [row['external_id'], String(row['payload'])]))
  expect(stored.size).to.equal(HOSTILE.length)
  for (const [index, [what, text]] of HOSTILE.entries()) {
    const payload = parseExactly(stored.get(ids[index] ?? '') ?? '{}') as JsonObject
    expect(JSON.stringify(payload['hostile']), what).to.equal(JSON.stringify(parseExactly(text)))
  }
}
