import type {Random} from '../random.ts'
import {PRODUCTION, TEST} from '../scripted-run.ts'
import type {ByHandUnderTest} from '../warehouse-contract.ts'
import {BY_HAND, type ModelOfAccount, type Row} from './model.ts'

const HOUR = 3_600_000

/** What somebody does to rows and logs nothing. */
type Edit = 'payload' | 'last seen' | 'first seen' | 'remove' | 'add'
const EDITS: readonly [Edit, ...Edit[]] = ['payload', 'payload', 'last seen', 'first seen', 'remove', 'add']

/** Writes a row of production, or of the test tables, by hand; answers what was done, for the words of an error. */
export async function editByHand(
  under: Pick<ByHandUnderTest, 'query'>,
  random: Random,
  account: ModelOfAccount,
): Promise<string> {
  const of = random.chance(0.5) ? 'production' : 'test'
  const {rawObjects} = of === 'production' ? PRODUCTION : TEST
  const {rows} = account[of]
  const ids = [...rows.keys()].toSorted()
  const id = ids[random.integer(0, ids.length - 1)]
  const row = id === undefined ? undefined : rows.get(id)
  if (id === undefined || row === undefined) return `nothing, there is no row in ${rawObjects}`
  const edit = random.pick(EDITS)
  const edited = new Map(rows)
  account[of] = {...account[of], rows: edited}
  const where = `WHERE idem_key = '${account.keys}${id}'`
  const set = async (what: string, after: Row): Promise<void> => {
    await under.query(`UPDATE {${rawObjects}} SET ${what} ${where}`)
    edited.set(id, after)
  }
  switch (edit) {
    case 'payload': {
      const n = random.integer(5, 8)
      await set(`payload = JSON '${JSON.stringify(account.payloadOf(id, {...row, n}))}'`, {...row, n})
      break
    }
    case 'last seen':
      await set('last_seen = last_seen + INTERVAL 1 HOUR', {...row, lastSeen: row.lastSeen + HOUR, seenByHand: true})
      break
    case 'first seen':
      await set('first_seen = first_seen - INTERVAL 1 HOUR', {...row, firstSeen: row.firstSeen - HOUR, by: BY_HAND})
      break
    case 'remove':
      await under.query(`DELETE FROM {${rawObjects}} ${where}`)
      edited.delete(id)
      break
    case 'add': {
      const free = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(String).filter((one) => !rows.has(one))
      const [added] = free
      if (added === undefined) return 'nothing, all rows are there'
      await under.query(
        `INSERT INTO {${rawObjects}} SELECT * REPLACE ('${account.keys}${added}' AS idem_key, '${added}' AS external_id, JSON '${JSON.stringify(account.payloadOf(added, row))}' AS payload) FROM {${rawObjects}} ${where}`,
      )
      edited.set(added, row)
    }
  }
  account.isEdited = true
  if (edit !== 'payload') account.isTampered = true
  return `${edit} of ${id} in ${rawObjects}`
}
