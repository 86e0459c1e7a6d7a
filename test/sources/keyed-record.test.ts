import {expect} from 'chai'
import fc from 'fast-check'

import {parseExactly} from '../../src/base/exact-json.ts'
import {keyProblem, keyRecord, type Keyed} from '../../src/sources/box/keyed-record.ts'
import type {JsonObject} from '../../src/source.ts'

const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
const keyedBy = (idemKey: unknown) => ({idemKey: () => idemKey as string})
const anyText = fc.string({unit: 'binary', maxLength: 40})
const brokenText = fc
  .array(fc.integer({min: 0, max: 0xff_ff}), {minLength: 1, maxLength: 40})
  .map((units) => String.fromCharCode(...units))

describe('a record’s key', () => {
  it('is stored as the source made it, or the record is a reject: nothing in between, and never an error', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, brokenText), (id) => {
        const idemKey = `thing:scripted--acct1:${id}`
        const keyed = keyRecord(keyedBy(idemKey), {id: 'x'}, stream)
        const storable =
          id !== '' && idemKey.isWellFormed() && !/\p{Cc}/u.test(id) && Buffer.byteLength(idemKey) <= 1024
        expect('record' in keyed).to.equal(storable)
        if ('record' in keyed) expect(keyed.record).to.include({idemKey, externalId: id})
      }),
    )
  })

  it('is never taken from another stream', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(!text.startsWith('thing:scripted--acct1:'))
        expect(keyProblem(text, stream)).to.be.a('string')
      }),
    )
  })

  for (const [what, made] of [
    ['a number', 17],
    ['nothing', undefined],
    ['an object', {}],
  ] as const) {
    it(`that is ${what} makes the record a reject`, () => {
      expect(keyRecord(keyedBy(made), {}, stream))
        .to.have.nested.property('rejection.reference')
        .that.matches(/^record without a key, sha256 [0-9a-f]{16}$/)
    })
  }
})

const nullsIn = (value: unknown): number => {
  if (value === null) return 1
  if (typeof value !== 'object' || value instanceof Date) return 0
  return Object.values(value).reduce<number>((sum, member) => sum + nullsIn(member), 0)
}

const jsonOf = (keyed: Keyed): string => ('record' in keyed ? Buffer.from(keyed.record.json).toString() : 'none')

describe('a record’s payload', () => {
  it('is stored as its JSON text, or the record is a reject that names the place', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({min: 0xd7_00, max: 0xe0_ff}), {maxLength: 6}),
        fc.array(fc.nat(3)),
        (units, path) => {
          const text = String.fromCharCode(...units)
          const nested = path.reduceRight<unknown>((inner, name) => ({[`m${name}`]: inner}), text)
          const keyed = keyRecord(keyedBy('thing:scripted--acct1:a'), {at: nested} as JsonObject, stream)
          const place = ['$', 'at', ...path.map((name) => `m${name}`)].join('.')
          if (text.isWellFormed()) expect(jsonOf(keyed)).to.equal(JSON.stringify({at: nested}))
          else expect(keyed).to.have.nested.property('rejection.reason').that.includes(`the text at ${place} `)
        },
      ),
    )
  })

  it('is never made into something else in silence, whatever a source puts in', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      withBoxedValues: true,
    })
    fc.assert(
      fc.property(anything, (value) => {
        const keyed = keyRecord(keyedBy('thing:scripted--acct1:a'), {value} as JsonObject, stream)
        if ('record' in keyed) {
          const json = Buffer.from(keyed.record.json).toString()
          expect(json).to.equal(JSON.stringify({value}))
          // A lossless text reads back as what was put in, but for dates, which become text, and members without a value.
          expect(nullsIn(JSON.parse(json))).to.equal(nullsIn({value}))
        } else {
          expect(keyed.rejection.reason).to.match(
            / is not JSON$| not finite$| is invalid$|^it is not JSON: | not well-formed/,
          )
        }
      }),
      {numRuns: 1000},
    )
  })

  it('of a thousand levels is stored, and one that is no tree is a reject', () => {
    let deep: JsonObject = {}
    for (let level = 0; level < 1000; level += 1) deep = {deep, text: '😀'}
    expect(keyRecord(keyedBy('thing:scripted--acct1:a'), deep, stream)).to.have.property('record')
    const ring: {self?: unknown} = {}
    ring.self = ring
    const keyed = keyRecord(keyedBy('thing:scripted--acct1:a'), ring as JsonObject, stream)
    expect(keyed).to.have.nested.property('rejection.reason').that.includes('it is not JSON')
  })
})

describe('a record that is nested deeply', () => {
  const nested = (levels: number): JsonObject =>
    JSON.parse(`${'{"[\\"{":'.repeat(levels)}0${'}'.repeat(levels)}`) as JsonObject
  const keyed = (levels: number, deepest?: number) =>
    keyRecord(
      keyedBy('thing:scripted--acct1:a'),
      nested(levels),
      stream,
      deepest === undefined ? undefined : {levels: deepest, bytes: Infinity, wideNumbers: true},
    )

  it('is stored where the warehouse can hold it, and a reject that says why where it cannot', () => {
    expect(keyed(1000)).to.have.property('record')
    expect(keyed(500, 500)).to.have.property('record')
    expect(keyed(501, 500)).to.deep.equal({
      rejection: {
        reference: 'thing:scripted--acct1:a',
        reason: 'it is nested more than 500 levels deep, which the warehouse cannot hold',
      },
    })
  })
})

describe('a record that is large', () => {
  it('is stored where the warehouse can hold it, and a reject that says why where it cannot; bytes of UTF-8 count', () => {
    const keyed = (text: string) =>
      keyRecord(keyedBy('thing:scripted--acct1:a'), {text}, stream, {levels: Infinity, bytes: 1011, wideNumbers: true})
    expect(keyed('x'.repeat(1000))).to.have.property('record')
    expect(keyed('é'.repeat(500))).to.have.property('record')
    for (const [text, bytes] of [
      ['x'.repeat(1001), 1012],
      ['é'.repeat(501), 1013],
    ] as const) {
      expect(keyed(text)).to.deep.equal({
        rejection: {
          reference: 'thing:scripted--acct1:a',
          reason: `it takes ${bytes} bytes as JSON, and the warehouse holds 1011 at most`,
        },
      })
    }
  })
})

describe('a number in a record', () => {
  const keyed = (text: string) =>
    keyRecord(keyedBy('thing:scripted--acct1:a'), parseExactly(`{"text":":1e400","n":${text}}`) as JsonObject, stream, {
      levels: Infinity,
      bytes: Infinity,
      wideNumbers: false,
    })

  it('is stored where it is a 64-bit integer or a double, however it is written', () => {
    const doubles = ['0', '-0', '0.10', '1E+2', '1e-2', '100000000000000000000', '0.30000000000000004', '5e-324']
    const integers = ['9007199254740993', '-9223372036854775808', '18446744073709551615']
    for (const text of [...doubles, '1.7976931348623157e308', ...integers]) {
      expect(keyed(text), text).to.have.property('record')
    }
  })

  it('with more digits is stored where the warehouse can hold it, and a reject that says why where it cannot', () => {
    const wide = ['18446744073709551617', '-9223372036854775809', '123456789012345678901234567890']
    for (const text of [...wide, '0.1234567890123456789012345', '1e400', '-1e-400', '1.2345678901234e-320']) {
      expect(keyed(text), text).to.deep.equal({
        rejection: {
          reference: 'thing:scripted--acct1:a',
          reason: 'a number in it has more digits than the warehouse can hold without rounding it',
        },
      })
      const record = parseExactly(`{"n":${text}}`) as JsonObject
      expect(jsonOf(keyRecord(keyedBy('thing:scripted--acct1:a'), record, stream))).to.equal(`{"n":${text}}`)
    }
  })
})
