import {expect} from 'chai'
import fc from 'fast-check'

import type {JsonObject} from '../src/source.ts'
import {parseExactly} from '../src/exact-json.ts'
import {query} from './support/database.ts'
import {folderForEachTest} from './support/folder.ts'
import {databaseIn, scriptedRun} from './support/scripted-run.ts'
import {scriptedSource} from './support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

const deep = (levels: number): string => `${'{"deep":'.repeat(levels)}1${'}'.repeat(levels)}`

/** Payloads as text, because some of them no JavaScript value can hold. */
const HOSTILE: Readonly<Record<string, string>> = {
  'line separators': '{"text":"a\u2028b\u2029c"}',
  'a NUL character': '{"text":"a\\u0000b","\\u0000":1}',
  'all control characters': JSON.stringify({text: String.fromCharCode(...Array.from({length: 32}, (_, code) => code))}),
  'tabs and line ends': '{"text":"a\\tb\\nc\\r\\nd"}',
  'a thousand levels': deep(1000),
  'empty names': '{"":{"":[]}}',
  'names of an object’s own': '{"__proto__":{"a":1},"constructor":2,"toString":3}',
  'names that the spool uses itself': '{"payload":{"idem_key":1},"sequence":2,",\\"payload\\":":3}',
  'an integer beyond a double': '{"n":123456789012345678901234567890}',
  'a decimal beyond a double': '{"n":0.1234567890123456789012345}',
  'a number beyond all doubles': '{"n":1e400,"m":-1e-400}',
  'text that looks like SQL': '{"text":"\'; DROP TABLE raw_objects; --"}',
  'text that looks like an escape': '{"text":"\\\\u0000 \\\\ud800"}',
  'every plane of Unicode': '{"text":"é漢😀\u{10FFFF}\uFFFE"}',
  'nothing but quotes': '{"\\"":"\\"\\"\\""}',
}

const payloads = async (): Promise<ReadonlyMap<string, string>> => {
  const rows = await query(databaseIn(folder()), 'SELECT external_id, payload FROM raw_objects')
  return new Map(rows.map((row) => [String(row['external_id']), String(row['payload'])]))
}

/** Equal as JSON values, digits included. */
const normal = (text: string): string => JSON.stringify(parseExactly(text))

describe('hostile payloads', () => {
  const records = Object.entries(HOSTILE).map(([id, text]) => ({id, value: parseExactly(text)}))
  const source = scriptedSource(() => [], {
    async *extract() {
      yield await Promise.resolve({records})
    },
  })

  it('are stored whole, beside each other, and recognised when they come again', async () => {
    const first = await scriptedRun({source, folder: folder(), now: DAY})
    expect(first.counts).to.include({inserted: records.length, rejected: 0})
    const stored = await payloads()
    for (const [id, text] of Object.entries(HOSTILE)) {
      expect(normal(stored.get(id) ?? ''), id).to.equal(normal(`{"id":${JSON.stringify(id)},"value":${text}}`))
    }
    const again = await scriptedRun({source, folder: folder(), now: 2 * DAY, request: {full: true}})
    expect(again.counts).to.include({unchanged: records.length, updated: 0})
  })

  it('of any kind come back equal', async () => {
    const values = fc.sample(fc.jsonValue({maxDepth: 4}), {numRuns: 400, seed: 7})
    const sampled = values.map((value, index) => ({id: `sample-${index}`, value})) as readonly JsonObject[]
    const sampling = scriptedSource(() => [], {
      async *extract() {
        yield await Promise.resolve({records: sampled})
      },
    })
    const {counts} = await scriptedRun({source: sampling, folder: folder(), now: DAY})
    expect(counts.inserted + counts.rejected).to.equal(400)
    const stored = await payloads()
    for (const [id, text] of stored) {
      const {value} = sampled.find((record) => record['id'] === id) ?? {}
      expect(JSON.parse(text), id).to.deep.equal(JSON.parse(JSON.stringify({id, value})))
    }
  })

  it('with one key a hundred thousand times leave one row, the last', async () => {
    const repeating = scriptedSource(() => [], {
      async *extract() {
        for (let page = 0; page < 20; page += 1) {
          const same = Array.from({length: 5000}, (_, index) => ({id: 'same', number: page * 5000 + index}))
          yield await Promise.resolve({records: same})
        }
      },
    })
    const {counts} = await scriptedRun({source: repeating, folder: folder(), now: DAY})
    expect(counts).to.include({extracted: 100_000, inserted: 1, duplicates: 99_999})
    expect(await payloads()).to.deep.equal(new Map([['same', '{"id":"same","number":99999}']]))
  })

  it('in keys of every plane are stored under exactly those keys', async () => {
    const ids = ['é漢😀', 'a b', "it's", 'a"b', 'a\\b', '%', 'a:b', '\u2028'.normalize(), '\u{10FFFF}']
    const keyed = scriptedSource(() => [], {
      async *extract() {
        yield await Promise.resolve({records: ids.map((id) => ({id}))})
      },
    })
    await scriptedRun({source: keyed, folder: folder(), now: DAY})
    expect([...(await payloads()).keys()].toSorted()).to.deep.equal(ids.toSorted())
    const {counts} = await scriptedRun({source: keyed, folder: folder(), now: 2 * DAY, request: {full: true}})
    expect(counts).to.include({unchanged: ids.length})
  })
})
