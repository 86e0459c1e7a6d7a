import type {SourceContext} from '../../src/source.ts'

/**
 * What services, libraries and mistakes have sent at some time. Every warehouse runs all of it (hostile-contract.ts);
 * whoever reads a service can put `STORED_WHOLE` into its answers.
 */

const nested = (levels: number): string => `${'{"deep":'.repeat(levels)}1${'}'.repeat(levels)}`

/** JSON that is stored whole; as text, because some of it no JavaScript value can hold. */
export const STORED_WHOLE: Readonly<Record<string, string>> = {
  'line separators': '{"text":"a\u2028b\u2029c"}',
  'a NUL character': '{"text":"a\\u0000b","\\u0000":1}',
  'all control characters': JSON.stringify({text: String.fromCharCode(...Array.from({length: 32}, (_, code) => code))}),
  'tabs and line ends': '{"text":"a\\tb\\nc\\r\\nd"}',
  'a byte order mark': '{"\uFEFFname":"\uFEFFtext"}',
  'hundreds of levels': nested(400),
  'empty names': '{"":{"":[]}}',
  'empty everything': '[{}, [], "", null, [[]], {"":null}]',
  'names of an object’s own': '{"__proto__":{"a":1},"constructor":2,"toString":3,"hasOwnProperty":null,"toJSON":4}',
  'names that the spool uses itself': '{"payload":{"idem_key":1},"sequence":2,",\\"payload\\":":3}',
  'names that differ in case alone': '{"name":1,"Name":2,"NAME":3}',
  'names that differ in normal form alone': '{"\u00E9":1,"e\u0301":2}',
  'names that look like numbers': '{"10":1,"9":2,"-1":3,"1e3":4}',
  'a name twice': '{"twice":1,"twice":2}',
  'numbers at the edge of a double': '[9007199254740991, -9007199254740991, 1.7976931348623157e308, 5e-324, 0.1, -0]',
  'numbers in many spellings': '[1E+2, 1e-2, 10e0, 0.10, 1.0, -0.0, 100000000000000000000]',
  'coordinates, which strict readers of JSON refuse': '[67.174118, 10.79779, -4.880328, 1.005, 179.99999999]',
  'text that looks like SQL': '{"text":"\'; DROP TABLE raw_objects; --"}',
  'text that looks like an escape': '{"text":"\\\\u0000 \\\\ud800 \\\\n"}',
  'text that looks like other things':
    '["NaN", "null", "", " ", "1e400", "=1+1", "@events", "{{projectId}}", "$1 ${x} %s"]',
  'every plane of Unicode': '{"text":"é漢😀\u{10FFFF}\uFFFE"}',
  'text that runs the other way': '{"text":"\u202Eabc\u202C\u200B"}',
  'nothing but quotes': '{"\\"":"\\"\\"\\""}',
  'a long text': JSON.stringify({text: '\u2028x"\\'.repeat(300_000)}),
  'many members': JSON.stringify(
    Object.fromEntries(Array.from({length: 5000}, (_, index) => [`member ${index}`, index])),
  ),
}

/** Whole as well, where the warehouse keeps JSON as it was written. */
export const STORED_WITH_ALL_DIGITS: Readonly<Record<string, string>> = {
  'a thousand levels': nested(1000),
  'an integer beyond a double': '{"n":123456789012345678901234567890}',
  'a decimal beyond a double': '{"n":0.1234567890123456789012345}',
  'a number beyond all doubles': '{"n":1e400,"m":-1e-400,"o":1.2345678901234e-320}',
}

/** Ids of different records, however alike they look. */
export const DISTINCT_IDS: readonly string[] = [
  'é e\u0301 É ß ss ı i I Å \u212B ﬁ fi a A a\u200B \uFEFFa a. 1 01 1.0 1e0 -0 0'.split(' '),
  String.raw`it's a"b a\b % _ a:b a::b ;-- {{projectId}} $1 @id null undefined NULL __proto__ constructor`.split(' '),
  ['a ', ' a', 'a\u00A0', '`', '\u2028', '\u2029', '漢', '😀', '👩‍🚀', '\u{10FFFF}', '\uFFFE', '\uFFFF', '\u202Ea'],
  'x'.repeat(1024 - 'thing:scripted--acct1:'.length),
].flat()

/** Records that cannot be stored, made anew for each reading, and what is said of them. */
export const REJECTED: Readonly<Record<string, {readonly record: () => unknown; readonly reason: RegExp}>> = {
  'no record: null': {record: () => null, reason: /^it is not an object$/},
  'no record: undefined': {record: () => undefined, reason: /^it is not an object$/},
  'no record: a text': {record: () => 'text', reason: /^it is not an object$/},
  'no record: a number': {record: () => 17, reason: /^it is not an object$/},
  'no record: a list': {record: () => [], reason: /^it is not an object$/},
  'no record: a function': {record: () => () => 1, reason: /^it is not an object$/},
  'no record: a Map': {record: () => new Map([['id', 1]]), reason: /^the Map at \$ is not JSON$/},
  'no id': {record: () => ({}), reason: /^idemKey failed: it has no id$/},
  'an empty id': {record: () => ({id: ''}), reason: /^its idem_key holds no id$/},
  'an id with a control character': {record: () => ({id: 'a\u0000'}), reason: /control character$/},
  'an id with a line end': {record: () => ({id: 'a\nb'}), reason: /control character$/},
  'an id that is half a character': {record: () => ({id: 'a\uD800'}), reason: /idem_key is not well-formed Unicode$/},
  'an id of 1,025 bytes': {
    record: () => ({id: 'x'.repeat(1025 - 'thing:scripted--acct1:'.length)}),
    reason: /longer than 1024 bytes$/,
  },
  'an id of too many bytes': {record: () => ({id: '漢'.repeat(400)}), reason: /longer than 1024 bytes$/},
  'an id that cannot be told': {
    record: () => ({
      id: {
        toString() {
          throw new Error('no text')
        },
      },
    }),
    reason: /^idemKey failed: no text$/,
  },
  'half a character in a text': {record: () => ({id: 'r1', deep: ['a\uDC00']}), reason: /^the text at \$\.deep\.0 /},
  'half a character in a name': {record: () => ({id: 'r2', '\uD800': 1}), reason: /^a name in \$ is not well-formed/},
  'a number that is none': {record: () => ({id: 'r3', n: NaN}), reason: /^the number at \$\.n is not finite$/},
  'a number without end': {
    record: () => ({id: 'r4', n: [-Infinity]}),
    reason: /^the number at \$\.n\.0 is not finite$/,
  },
  'a BigInt': {record: () => ({id: 'r5', n: 1n}), reason: /^it is not JSON: .*BigInt/},
  'a list with a hole': {
    record: () => ({id: 'r6', list: Object.assign([1], {2: 3})}),
    reason: /^the undefined at \$\.list\.1 is not JSON$/,
  },
  'a function': {record: () => ({id: 'r7', call: () => 1}), reason: /^the function at \$\.call is not JSON$/},
  'a symbol': {record: () => ({id: 'r8', sign: Symbol('x')}), reason: /^the symbol at \$\.sign is not JSON$/},
  'a Set': {record: () => ({id: 'r9', set: new Set([1])}), reason: /^the Set at \$\.set is not JSON$/},
  'an invalid date': {record: () => ({id: 'r10', at: new Date(NaN)}), reason: /^the date at \$\.at is invalid$/},
  'a ring': {
    record: () => {
      const ring: {id: string; self?: unknown} = {id: 'r11'}
      ring.self = ring
      return ring
    },
    reason: /^it is not JSON: it holds itself$/,
  },
  'a member that throws': {
    record: () => ({
      id: 'r12',
      get broken() {
        throw new Error('it cannot be read')
      },
    }),
    reason: /^it is not JSON: it cannot be read$/,
  },
  'a toJSON that throws nothing': {
    record: () => ({
      id: 'r13',
      toJSON() {
        // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- somebody does
        throw undefined
      },
    }),
    reason: /^it is not JSON: it cannot be read$/,
  },
  'a toJSON that gives nothing': {
    record: () => ({id: 'r14', toJSON: () => undefined}),
    reason: /^the undefined at \$ /,
  },
  'a toJSON that gives a text': {record: () => ({id: 'r15', toJSON: () => 'text'}), reason: /^it is not an object$/},
  'a hundred thousand levels': {
    record: () => {
      let deep: unknown = 1
      for (let level = 0; level < 100_000; level += 1) deep = [deep]
      return {id: 'r16', deep}
    },
    reason: /^it is nested too deeply or too long/,
  },
}

/** Values that are no JSON by themselves, and become some without a loss. */
export const CONVERTED: Readonly<Record<string, {readonly record: () => object; readonly stored: unknown}>> = {
  'a date': {record: () => ({id: 'c1', at: new Date(0)}), stored: {id: 'c1', at: '1970-01-01T00:00:00.000Z'}},
  'members that are undefined': {record: () => ({id: 'c2', none: undefined}), stored: {id: 'c2'}},
  'an object without a prototype': {
    record: () => Object.assign(Object.create(null) as object, {id: 'c3'}),
    stored: {id: 'c3'},
  },
  'an object of a class': {
    record: () =>
      new (class {
        readonly id = 'c4'
      })(),
    stored: {id: 'c4'},
  },
  'a toJSON that gives itself': {
    record: () => ({
      id: 'c5',
      toJSON() {
        return this
      },
    }),
    stored: {id: 'c5'},
  },
  'a frozen one': {record: () => Object.freeze({id: 'c6', list: Object.freeze([1])}), stored: {id: 'c6', list: [1]}},
}

/** What a source can do that ends its run, after it has yielded a good record, and what the error says. */
export const BROKEN: Readonly<Record<string, {readonly extract: Extract; readonly says: RegExp}>> = {
  'throws halfway': {extract: then(() => raise(new Error('half is missing'))), says: /^half is missing$/},
  'throws a text': {extract: then(() => raise('only a text')), says: /^only a text$/},
  'throws nothing': {extract: then(() => raise(undefined)), says: /thrown that says nothing \(undefined\)/},
  'throws null': {extract: then(() => raise(null)), says: /thrown that says nothing \(null\)/},
  'throws a BigInt': {extract: then(() => raise(1n)), says: /thrown that says nothing \(bigint\)/},
  'throws a very long error': {
    extract: then(() => raise(new Error('x\uD800\u0000\n'.repeat(1_000_000)))),
    says: /^x. x.*…$/,
  },
  'throws an error that is its own cause': {
    extract: then(() => {
      const error = new Error('a ring')
      error.cause = error
      raise(error)
    }),
    says: /^a ring$/,
  },
  'yields nothing for a page': {extract: yielding(null), says: /yielded nothing for a page/},
  'yields a record for a page': {extract: yielding({id: 'a'}), says: /whose records are no array/},
  'yields a page of text': {extract: yielding({records: 'text'}), says: /whose records are no array/},
  'yields a page without an end': {
    extract: yielding({
      records: (function* () {
        for (;;) yield {id: 'x'}
      })(),
    }),
    says: /whose records are no array/,
  },
  'yields a page of 10,001 records': {
    extract: yielding({records: Array.from({length: 10_001}, (_, index) => ({id: `many-${index}`}))}),
    says: /a page of 10001 records; a page holds at most 10000/,
  },
  'names another object type': {
    extract: yielding({records: [], objectType: '__proto__'}),
    says: /object type __proto__;/,
  },
  'gives deleted keys as a text': {
    extract: yielding({records: [], deleted: 'thing:scripted--acct1:a'}),
    says: /deleted keys are no array/,
  },
  'deletes what is no key': {extract: yielding({records: [], deleted: [17]}), says: /idem_key is not a string/},
  'deletes in another stream': {
    extract: yielding({records: [], deleted: ['other:scripted--acct1:a']}),
    says: /does not begin with/,
  },
  'gives a bookmark that is no JSON': {
    extract: yielding({records: [], bookmark: new Map()}),
    says: /a bookmark that cannot be kept: the Map at \$ is not JSON/,
  },
  'gives a bookmark with half a character': {
    extract: yielding({records: [], bookmark: ['\uD800']}),
    says: /a bookmark that cannot be kept: the text at \$\.0 /,
  },
  'reports fewer than none': {
    extract: reporting(({progress}) => progress({outside: -1})),
    says: /reported -1 records as outside/,
  },
  'reports NaN': {extract: reporting(({progress}) => progress({gone: NaN})), says: /reported NaN records as gone/},
  'lists more than it yields': {
    extract: reporting(({progress}) => progress({listed: 3})),
    says: /listed 3 records of thing but accounted for 1/,
  },
  'rejects in another stream and lets go of the error': {
    extract: reporting(({reject}) => {
      try {
        reject('a', 'b', 'other')
      } catch {
        // What a careless source does.
      }
    }),
    says: /object type other;/,
  },
  'asks for what is no key': {
    extract: async function* (context) {
      await context.known([17 as unknown as string])
      yield {records: []}
    },
    says: /no list of idem keys/,
  },
  'returns no iterable': {extract: () => [{records: []}], says: /extract gave a list, which is no async iterable/},
  'returns nothing': {extract: () => undefined, says: /extract gave nothing, which is no async iterable/},
  'iterates over nothing': {
    extract: () => ({[Symbol.asyncIterator]: () => ({next: () => Promise.resolve(undefined)})}),
    says: /iterator gave nothing for a page/,
  },
}

/** Deliberately not what the contract asks for. */
export type Extract = (context: SourceContext<unknown>) => unknown

function raise(thrown: unknown): never {
  throw thrown
}

function then(act: () => void): Extract {
  return async function* () {
    yield await Promise.resolve({records: [{id: 'good'}]})
    act()
  }
}

function yielding(page: unknown): Extract {
  return async function* () {
    yield await Promise.resolve({records: [{id: 'good'}]})
    yield page
  }
}

function reporting(report: (context: SourceContext<unknown>) => void): Extract {
  return async function* (context) {
    yield await Promise.resolve({records: [{id: 'good'}]})
    report(context)
  }
}
