import {expect} from 'chai'
import fc from 'fast-check'

import {changesOf, isSameJson} from '../../src/base/json-difference.ts'
import {pointerTo} from '../../src/base/json-pointer.ts'

const changes = (from: string, to: string) =>
  [...changesOf(from, to)].map((change) => ({...change, path: pointerTo(change.path)}))

describe('two JSON texts', () => {
  const same: readonly (readonly [string, string])[] = [
    ['{"a":1,"b":[true,null]}', ' { "b" : [ true , null ] , "a" : 1.0 } '],
    ['{"a":1e2}', '{"a":100}'],
    ['{"a":0.10}', '{"a":0.1}'],
    ['{"a":-0}', '{"a":0}'],
    ['{"a":12345678901234567890}', '{"a":12345678901234567890.0}'],
    ['{"a":12345678901234567890}', '{"a":1.234567890123456789e19}'],
    ['{"a":"\\u00e9\\/"}', '{"a":"é/"}'],
    ['{"a":1,"a":2}', '{"a":2}'],
  ]
  for (const [one, other] of same) {
    it(`are one value: ${one} and ${other}`, () => {
      expect(isSameJson(one, other)).to.equal(true)
      expect(isSameJson(other, one)).to.equal(true)
    })
  }

  const different: readonly (readonly [string, string, object])[] = [
    ['{"a":1}', '{"a":"1"}', {op: 'replace', path: '/a', from: 1, to: '1'}],
    ['{"a":null}', '{}', {op: 'remove', path: '/a', from: null}],
    ['{}', '{"a":null}', {op: 'add', path: '/a', to: null}],
    ['{"a":[1,2]}', '{"a":[1]}', {op: 'remove', path: '/a/1', from: 2}],
    ['{"a":[]}', '{"a":{}}', {op: 'replace', path: '/a', from: [], to: {}}],
    ['{"a/b~":{"":1}}', '{"a/b~":{"":2}}', {op: 'replace', path: '/a~1b~0/', from: 1, to: 2}],
    ['{"__proto__":1}', '{"__proto__":2}', {op: 'replace', path: '/__proto__', from: 1, to: 2}],
  ]
  for (const [one, other, change] of different) {
    it(`differ, and it is told where: ${one} and ${other}`, () => {
      expect(changes(one, other)).to.deep.equal([change])
    })
  }

  it('differ in a digit that no double holds', () => {
    expect(isSameJson('{"a":12345678901234567891}', '{"a":12345678901234567890}')).to.equal(false)
    expect(isSameJson('{"a":0.12345678901234567891}', '{"a":0.12345678901234567890}')).to.equal(false)
  })

  it('may be nested more deeply than a call stack is', () => {
    const deep = (inner: string): string => `{"a":${'['.repeat(5000)}${inner}${']'.repeat(5000)}}`
    expect(isSameJson(deep('1'), deep(' 1.0 '))).to.equal(true)
    expect(changes(deep('1'), deep('2'))).to.have.length(1)
  })

  it('are one value whatever order and spacing they are written with, and none where a member is another', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (value, name) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed())
        expect(isSameJson(JSON.stringify(value), JSON.stringify(reversed, null, 2))).to.equal(true)
        expect(isSameJson(JSON.stringify(value), JSON.stringify({...value, [name]: {never: 'there'}}))).to.equal(false)
      }),
    )
  })
})
