import type {Stream} from '../../source.ts'
import type {KeyIndex} from '../stored-keys.ts'
import {ofStream, startOfKeys} from './commit-sql.ts'
import {allKeys, indexAllKeys, type KeysPlace, type WantedKeys} from './keys.ts'
import {isWithin, keySetOfKeys} from './key-set.ts'
import {LEAST_BILLED} from './prices.ts'

/** A request with parameters may hold 10 MB (Google, "Quotas and limits"), and JSON escapes need room. */
const REQUEST_BYTES = 4_000_000

/**
 * Knows the stored keys of streams by asking for those that somebody wants to know of, so that a run with few of them does not
 * pay for all. Once the questions have billed as much as all keys would, these are downloaded and answer from then on: neither
 * the price nor the number of requests is ever more than twice that of the cheaper way.
 */
export function askedKeys(place: KeysPlace, wanted: WantedKeys, signal: AbortSignal): KeyIndex {
  let spent = 0
  let priceOfAll: Promise<number> | undefined
  let downloaded: Promise<KeyIndex> | undefined
  const all = async (): Promise<KeyIndex> => (downloaded ??= indexAllKeys(place, wanted, signal))
  return {
    async has(idemKeys) {
      priceOfAll ??= priceOf(place, wanted.streams, signal)
      const price = await priceOfAll
      const questions = [...questionsIn(wanted.streams, idemKeys)]
      // What is not yet asked for counts as it is billed at least, so that questions at one time cannot outrun the price.
      spent += questions.length * LEAST_BILLED
      if (downloaded !== undefined || spent >= price) return (await all()).has(idemKeys)
      const stored = new Set<string>()
      for (const question of questions) {
        const billed = await ask(place, question, stored, signal)
        spent += Math.max(0, billed - LEAST_BILLED)
      }
      return stored
    },
    compareListed: async (listed, most) => (await all()).compareListed(listed, most),
    confirmGone: async (listed, most) => (await all()).confirmGone(listed, most),
    close() {
      // Whoever asked it heard that it could not be made.
      void downloaded?.then(
        (index) => index.close(),
        () => undefined,
      )
    },
  }
}

/** Has the service say what all keys would bill. */
async function priceOf({connection, queries, tables}: KeysPlace, streams: readonly Stream[], signal: AbortSignal) {
  const sql = allKeys(connection.tableName(tables.rawObjects), streams)
  const {bytes} = await queries.estimate({sql, what: 'asking what all stored keys would cost', signal})
  return Math.max(LEAST_BILLED, bytes)
}

interface Question {
  readonly stream: Stream
  readonly idemKeys: readonly string[]
}

function* questionsIn(streams: readonly Stream[], idemKeys: readonly string[]): Generator<Question> {
  for (const stream of streams) {
    const prefix = startOfKeys(stream)
    let [asked, bytes]: [string[], number] = [[], 0]
    for (const key of new Set(idemKeys.filter((one) => one.startsWith(prefix)))) {
      const size = Buffer.byteLength(key) + 1
      if (asked.length > 0 && bytes + size > REQUEST_BYTES) {
        yield {stream, idemKeys: asked}
        ;[asked, bytes] = [[], 0]
      }
      asked.push(key)
      bytes += size
    }
    if (asked.length > 0) yield {stream, idemKeys: asked}
  }
}

/** Compares the clustering columns with constants, and answers with what it billed. No key holds a line break. */
async function ask(
  {connection, queries, tables}: KeysPlace,
  {stream, idemKeys}: Question,
  stored: Set<string>,
  signal: AbortSignal,
): Promise<number> {
  const before = queries.bytesBilled
  const pages = queries.pages({
    sql: `SELECT DISTINCT idem_key FROM ${connection.tableName(tables.rawObjects)}
 WHERE ${ofStream(stream)} AND ${isWithin('idem_key', keySetOfKeys(idemKeys))} AND idem_key IN UNNEST(SPLIT(@idem_keys, '\\n'))`,
    values: {idem_keys: idemKeys.join('\n')},
    what: 'asking which of the listed keys are stored',
    signal,
  })
  for await (const rows of pages) for (const {idem_key: key} of rows) stored.add(key ?? '')
  return queries.bytesBilled - before
}
