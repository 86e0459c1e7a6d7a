import {createWriteStream} from 'node:fs'
import {readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as wait} from 'node:timers/promises'

import {expect} from 'chai'

import type {JsonObject, JsonValue, Page} from '../../src/source.ts'
import {conformanceTests} from '../../src/testing/conformance.ts'
import good from '../../templates/source/src/source.ts'
import {TOKEN} from '../../templates/source/test/service.ts'
import {
  BOUNDED,
  complaintOf,
  IN_A_BOX,
  setupFor,
  withPages,
  type Context,
  type Pages,
  type Wrong,
} from '../support/complaints.ts'

/** The good source, as somebody writes it who does not use the host's client. */
const asking = (ask: (url: URL, context: Context) => Promise<JsonObject>): object => ({
  ...good,
  async *extract(context: Context): Pages {
    const {options, window} = context
    let page = '0'
    do {
      const url = new URL(`${options.url}/items`)
      if (window.since !== undefined) url.searchParams.set('since', window.since.toISOString())
      url.searchParams.set('until', window.until.toISOString())
      url.searchParams.set('page', page)
      const {items, next} = await ask(url, context)
      yield {records: (items ?? []) as JsonObject[]}
      page = typeof next === 'string' ? next : ''
    } while (page !== '')
  },
})

const bearer = async (): Promise<string> => Promise.resolve(`Bearer ${TOKEN}`)
const headers = {authorization: `Bearer ${TOKEN}`}
const shifted = (window: Context['window'], since: number, until: number): Context['window'] => ({
  ...(window.since !== undefined && {since: new Date(window.since.getTime() + since)}),
  until: new Date(window.until.getTime() + until),
})
const withWindow = (change: (window: Context['window']) => Context['window']): object => ({
  ...good,
  extract: (context: Context) => good.extract({...context, window: change(context.window)}),
})
const withKeys = (idemKey: (record: JsonObject, prefix: string) => string): object => ({
  ...good,
  idemKey: (record: JsonObject, {objectType, sourceSystem}: {objectType: string; sourceSystem: string}) =>
    idemKey(record, `${objectType}:${sourceSystem}:`),
})
const withOptions = (validate: (input: Record<string, unknown>) => unknown): object => ({
  ...good,
  options: {'~standard': {version: 1, vendor: 'test', validate}},
})
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const saying = (say: (context: Context) => Promise<void> | void): object =>
  withPages(async function* (context, pages) {
    for await (const page of pages) {
      await say(context)
      yield page
    }
  })

/** The good source, as if its items had no time: each page but the last is a checkpoint, which `place` gives. */
const withCheckpoints = (place: (at: {page: string; next: string}) => JsonValue, listed?: number): object => ({
  ...good,
  streams: () => [{objectType: 'item', windowed: false}],
  async *extract({options, http, bookmark = '0', progress}: Context): Pages {
    if (typeof bookmark !== 'string') throw new Error(`what is ${JSON.stringify(bookmark)}?`)
    for (let page: string | undefined = bookmark; page !== undefined;) {
      const {body} = await http.request({
        url: `${options.url}/items`,
        query: {page, until: '9999'},
        authorization: bearer,
      })
      const {items, next} = body
      if (!Array.isArray(items)) throw new Error('no list of items')
      if (listed !== undefined) progress({listed})
      yield {
        records: items as JsonObject[],
        ...(typeof next === 'string' && {bookmark: place({page, next}), checkpoint: true as const}),
      }
      page = typeof next === 'string' ? next : undefined
    }
  },
})

/** The good source, which lists its keys by reading everything. */
const withListedKeys = ({pages = Infinity, more = [] as readonly string[], heeds = true, silent = false}): object => ({
  ...good,
  async *listKeys(context: Context): AsyncGenerator<readonly string[]> {
    const [stream] = context.streams
    if (stream === undefined) return
    let listed = 0
    try {
      for await (const {records} of good.extract(context)) {
        if ((listed += 1) > pages) return
        yield records.map((record) => good.idemKey(record, stream))
      }
    } catch (error) {
      if (!silent) throw error
    }
    yield more
  },
  async *extract(context: Context): Pages {
    const [stream] = context.streams
    const {keys} = context
    for await (const {records} of good.extract(context))
      if (keys === undefined || stream === undefined || !heeds) yield {records}
      else yield {records: records.filter((record) => keys.includes(good.idemKey(record, stream)))}
  },
})

let counter = 0
const cache = join(tmpdir(), `lorchestra-conformance-${process.pid}`)

/** By rule: sources that break it, and what the suite says of each. */
const WRONG: Readonly<Record<string, Readonly<Record<string, Wrong>>>> = {
  'describes itself in a way that the host can use': {
    'names no stream': {source: {...good, streams: () => []}, says: /streams wrongly: none/},
    'names a stream twice': {
      source: {...good, streams: () => ['item', 'item'].map((objectType) => ({objectType, windowed: true}))},
      says: /item twice/,
    },
    'begins with what it refuses': {
      source: {...good, starter: {account: 'url: https://api.example.com', job: 'colour: red'}},
      says: /refuse what its starter says/,
    },
    'explores and says nothing': {source: {...good, explore: () => Promise.resolve('')}, says: /says no text/},
    'has a default that is no duration': {source: {...good, defaults: {overlap: '1 day'}}, says: /not a duration/},
    'is somebody else with each call': {
      source: {...good, check: () => Promise.resolve({identity: `user ${(counter += 1)}`})},
      says: /two identities/,
    },
  },
  'gives well-formed keys': {
    'knows one account alone': {
      source: {...good, idemKey: ({id}: JsonObject) => `item:conformance--account:${String(id)}`},
      says: /does not begin with item:conformance--other-account:/,
    },
    'gives keys without an id': {source: withKeys((_record, prefix) => prefix), says: /holds no id/},
    'gives keys with control characters': {
      source: withKeys(({id}, prefix) => `${prefix}${String(id)}\n`),
      says: /control character/,
    },
    'puts the account into the id': {
      source: withKeys(({id}, prefix) => `${prefix}${prefix.length}-${String(id)}`),
      says: /in one account and another in another/,
    },
  },
  'gives keys that depend on nothing but record and stream': {
    'counts its records': {
      source: withKeys((_record, prefix) => `${prefix}${(counter += 1)}`),
      says: /was given the keys/,
    },
    'puts the day into the key': {
      source: withKeys(({id}, prefix) => `${prefix}${String(id)}-${new Date().toISOString().slice(0, 10)}`),
      says: /asks what time it is/,
    },
    'changes the record': {
      source: withKeys((record, prefix) => {
        Object.assign(record, {key: prefix})
        return `${prefix}${String(record['id'])}`
      }),
      says: /changes the record/,
    },
  },
  'gives different records different keys': {
    'takes a part of the id for it': {
      source: withKeys(({id}, prefix) => `${prefix}${String(id).slice(-1)}`),
      says: /two different records have the key/,
    },
  },
  'gives the same keys in two extractions of the same data': {
    'numbers what it reads': {
      source: {
        ...withPages(async function* (_context, pages) {
          for await (const page of pages) {
            yield {...page, records: page.records.map((record) => ({...record, id: `${(counter += 1)}`}))}
          }
        }),
      },
      says: /only one gave 120 of the keys/,
    },
  },
  'reads windows that are half open': {
    'leaves out what lies at the beginning': {
      source: withWindow((window) => shifted(window, 1, 0)),
      says: /left out item:.* half open/,
    },
    'takes what lies at the end': {source: withWindow((window) => shifted(window, 0, 1)), says: /yielded item:/},
    'reads everything whatever it is asked': {
      source: withWindow(({until}) => ({until})),
      says: /yielded item:/,
    },
  },
  'stops within a second when the run is aborted': {
    'does not hand on the signal': {
      source: asking(async (url) => (await (await fetch(url, {headers})).json()) as JsonObject),
      says: /while a request had no answer yet, it went on/,
    },
    'waits by itself': {
      source: asking(async (url, {http}) => {
        for (;;) {
          const {status, body} = await http.request({url, authorization: bearer, allow: [503]})
          if (status === 200) return body
          await wait(5000)
        }
      }),
      says: /while it had to wait before it asks again, it went on/,
    },
    'has something to end that does not end': {
      source: withPages(async function* (_context, pages) {
        try {
          yield* pages
        } finally {
          await wait(5000)
        }
      }),
      says: /while the host had its page, it went on/,
    },
  },
  'survives every fault that passes': {
    'tries once': {
      source: asking(async (url, {signal}) => {
        const answer = await fetch(url, {headers, signal})
        if (!answer.ok) throw new Error(`answered ${answer.status}`)
        return (await answer.json()) as JsonObject
      }),
      says: /gave up after 408, which passes: answered 408/,
    },
    'does not know that connections break': {
      source: asking(async (url, {http, signal}) => {
        if (url.searchParams.get('page') === '25')
          return (await (await fetch(url, {headers, signal})).json()) as JsonObject
        return (await http.request({url, authorization: bearer})).body
      }),
      says: /gave up after a connection that breaks|gave up after 502|went on without/,
    },
    'goes on without what failed': {
      source: asking(async (url, {signal}) => {
        const answer = await fetch(url, {headers, signal})
        const next = url.searchParams.get('page') === '50' ? undefined : Number(url.searchParams.get('page')) + 25
        if (answer.ok) return (await answer.json()) as JsonObject
        return {items: [], ...(next !== undefined && {next: String(next)})}
      }),
      says: /went on without \d+ records/,
    },
    'rejects what failed': {
      source: withPages(async function* (context, pages) {
        yield* pages
        const answer = await fetch(`${context.options.url}/items?until=0`, {headers, signal: context.signal})
        if (!answer.ok) context.reject('an item', `answered ${answer.status}`)
      }),
      says: /rejected records: an item/,
    },
  },
  'drops nothing that is there to be read': {
    'leaves out the last page': {
      source: withPages(async function* (_context, pages) {
        let last: Page | undefined
        for await (const page of pages) {
          if (last !== undefined) yield last
          last = page
        }
      }),
      says: /holds 60 records, but it yielded 50/,
    },
    'announces more than it yields': {
      source: saying(({progress}) => {
        progress({listed: 26})
      }),
      says: /listed 78 records of item but accounted for 60/,
    },
    'takes any error for the end': {
      source: withPages(async function* (_context, pages) {
        try {
          yield* pages
        } catch {
          // The end, it thinks.
        }
      }),
      says: /answered 500 for good, it ended as if all were well, with 0 of 60 records/,
    },
    'takes an answer without a list for an empty one': {
      source: asking(async (url, {http}) => (await http.request({url, authorization: bearer})).body),
      says: /answered an empty object with status 200, it ended as if all were well/,
    },
    'yields what is known': {
      source: withPages(async function* ({known, streams: [stream]}, pages) {
        for await (const page of pages) {
          if (stream !== undefined) await known(page.records.map((record) => good.idemKey(record, stream)))
          yield page
        }
      }),
      says: /is known, it yielded it/,
    },
    'leaves out a page of which one is known': {
      source: withPages(async function* ({known, streams: [stream]}, pages) {
        for await (const page of pages) {
          if (stream === undefined) return
          if ((await known(page.records.map((record) => good.idemKey(record, stream)))).size === 0) yield page
        }
      }),
      says: /where other records are known, it leaves out/,
    },
  },
  'goes on from its own bookmark': {
    'keeps what is no JSON': {
      source: withPages(async function* (_context, pages) {
        for await (const page of pages) yield {...page, bookmark: {at: new Date(0)} as never}
      }),
      says: /not plain JSON/,
    },
    'does not understand what it kept': {
      source: withPages(async function* ({bookmark}, pages) {
        if (bookmark !== undefined) throw new Error(`what is ${JSON.stringify(bookmark)}?`)
        for await (const page of pages) yield {...page, bookmark: 7}
      }),
      says: /failed to read: what is 7\?/,
    },
  },
  'goes on from each of its checkpoints': {
    'gives the place after the next page': {
      source: withCheckpoints(({next}) => String(Number(next) + 25)),
      says: /read on from its checkpoint after 25 records, it leaves out item:/,
    },
    'does not heed where it is to go on, and then cannot': {
      source: withCheckpoints(({page}) => ({page})),
      says: /failed to read: .*what is \{"page":"0"\}\?/,
    },
    'lists the next page before it yields a checkpoint': {
      source: withCheckpoints(({next}) => next, 50),
      says: /listed 50 records of item but accounted for 25/,
    },
  },
  'lists the keys of all that it reads, and reads records by them': {
    'lists one page alone': {
      source: withListedKeys({pages: 1}),
      says: /it reads item:.*, but does not list its key/,
    },
    'lists what it does not read': {
      source: withListedKeys({more: ['item:conformance--account:unheard-of']}),
      says: /it lists the key item:conformance--account:unheard-of, but reads no such record/,
    },
    'does not heed what it is asked for': {
      source: withListedKeys({heeds: false}),
      says: /failed to read: the source listed 30 records of item but accounted for 60/,
    },
    'takes any error for the end of the list': {
      source: withListedKeys({silent: true}),
      says: /answered 500 for good, its list of keys ended as if it were complete, with 0 of 60/,
    },
    'says of nothing that it is there': {
      source: {
        ...withListedKeys({}),
        async *extract(context: Context): Pages {
          if (context.keys === undefined) yield* good.extract(context)
          else context.progress({gone: context.keys.length})
        },
      },
      says: /asked for the record of item:.* by its key, it did not yield it/,
    },
  },
  'refuses wrong options and says which': {
    'takes anything': {source: withOptions((input) => ({value: input})), says: /accepts null instead of options/},
    'takes options that it does not have': {
      source: withOptions((input) =>
        Object.hasOwn(Object(input) as object, 'conformance_no_such_option')
          ? {value: input}
          : good.options['~standard'].validate(input),
      ),
      says: /accepts an option that it does not have/,
    },
    'takes an object for an address': {
      source: withOptions((input) =>
        isObject(input) && isObject(input['url']) ? {value: input} : good.options['~standard'].validate(input),
      ),
      says: /accepts an object for url/,
    },
    throws: {
      source: withOptions((input) => {
        if (typeof input['url'] !== 'string') throw new TypeError('no url')
        return {value: input}
      }),
      says: /throw where they should answer with issues/,
    },
    'does not say which option is wrong': {
      source: withOptions(async (input) => {
        const result = await good.options['~standard'].validate(input)
        return result.issues === undefined ? result : {issues: [{message: 'something is wrong'}]}
      }),
      says: /its message does not name it: something is wrong/,
    },
    'quotes a secret': {
      source: withOptions(async (input) => {
        const result = await good.options['~standard'].validate(input)
        if (result.issues === undefined) return result
        return {
          issues: result.issues.map((issue) => ({...issue, message: `${issue.message} ${JSON.stringify(input)}`})),
        }
      }),
      says: /its message quotes a secret/,
    },
    'declares a secret that it does not have': {source: {...good, secrets: ['tokn']}, says: /its secrets name tokn/},
  },
  'lets no secret out': {
    'shows it to who explores': {
      source: {...good, explore: () => Promise.resolve(`sent ${TOKEN}`)},
      says: /what it found to explore held a secret/,
    },
    'logs its token': {
      source: saying(({log, options}) => {
        log.debug('asking', {with: options.token})
      }),
      says: /when all went well, its log held a secret/,
    },
    'puts its token into an error': {
      source: asking(async (url, {http, options}) => {
        try {
          return (await http.request({url, authorization: bearer})).body
        } catch (error) {
          throw new Error(`the API refused ${options.token}`, {cause: error})
        }
      }),
      says: /its error held a secret/,
    },
    'keeps its token as a bookmark': {
      source: withPages(async function* ({options}, pages) {
        for await (const page of pages) yield {...page, bookmark: options.token}
      }),
      says: /its bookmark held a secret/,
    },
    'does not declare its token': {
      source: {...good, secrets: []},
      says: /its option token is sent as a credential; name it in secrets/,
    },
  },
  'writes nothing to disk': {
    'keeps a cache': {source: saying(async () => writeFile(cache, 'x')), says: /it writes to .*lorchestra-conformance/},
    'keeps a cache and looks away when that fails': {
      source: saying(async () => {
        await writeFile(cache, 'x').catch(() => undefined)
      }),
      says: /it writes to/,
    },
    'streams to a file': {
      source: saying(async () => {
        const file = createWriteStream(cache)
        await new Promise((resolve) => file.once('error', resolve).end('x', () => resolve(undefined)))
      }),
      says: /it writes to/,
    },
  },
}

describe('the conformance suite', () => {
  const rules = conformanceTests(setupFor(good)).filter(({rule}) => rule !== BOUNDED && rule !== IN_A_BOX)

  after(async () => {
    await rm(cache, {force: true})
  })

  for (const {rule, test} of rules) it(`has no complaint about a good source: it ${rule}`, test)

  for (const {rule} of rules) {
    const wrong = Object.entries(WRONG[rule] ?? {})
    it(`knows a source that breaks the rule "${rule}"`, () => {
      expect(wrong).not.to.deep.equal([])
    })
    for (const [what, {source, says}] of wrong) {
      it(`complains of a source that ${what}`, async () => {
        expect(await complaintOf(rule, setupFor(source))).to.match(says)
      })
    }
  }

  for (const {rule} of rules) {
    it(`has no complaint about a good source with checkpoints: it ${rule}`, async () => {
      expect(await complaintOf(rule, setupFor(withCheckpoints(({next}) => next)))).to.equal('no complaint')
    })
  }

  it('has no complaint about a good source that lists its keys', async () => {
    const rule = 'lists the keys of all that it reads, and reads records by them'
    expect(await complaintOf(rule, setupFor(withListedKeys({})))).to.equal('no complaint')
  })

  it('leaves no file behind for the sources that wrote one', async () => {
    await complaintOf('writes nothing to disk', setupFor(saying(async () => writeFile(cache, 'x'))))
    let found = true
    await readFile(cache).catch(() => (found = false))
    expect(found).to.equal(false)
  })
})
