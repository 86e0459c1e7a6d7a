import {expect} from 'chai'
import fc from 'fast-check'

import type {JsonValue} from '../../../src/source.ts'
import {findList} from '../../../src/sources/http/json-elements.ts'
import {partsOf} from '../../../src/sources/http/list-parts.ts'
import {receivedJsonOf} from '../../../src/sources/received-json.ts'

function partsIn(text: string): readonly (readonly JsonValue[])[] | undefined {
  const bytes = Buffer.from(text)
  const list = findList(bytes, 'value')
  return list === undefined ? undefined : [...partsOf(bytes, list)]
}

const elementsOf = (text: string): readonly JsonValue[] | undefined => partsIn(text)?.flat()

/** The text that is kept for the only element of a list. */
function keptOf(element: string): string | undefined {
  const [value] = elementsOf(`{"value":[${element}]}`) ?? []
  const kept = receivedJsonOf(value as object)
  return kept === undefined ? undefined : Buffer.from(kept.bytes).toString()
}

describe('a list that is read in parts', () => {
  for (const [what, value] of Object.entries({
    'no element': [],
    'one element': [{a: 1}],
    'texts with brackets, quotes and backslashes': [{a: '"],}\\', '"b[{': '\\"'}, '],[', '\\\\'],
    'long texts with quotes and backslashes': [{a: `${'x'.repeat(100)}"],\\`, b: `${'\\'.repeat(70)}"`}],
    'lists and objects within': [[[], [1, [2]]], {value: [{value: []}]}, {a: {b: [{}]}}],
    'letters of all lengths': [{name: 'Zoë 孝子 🦊'}],
  })) {
    it(`has the elements that were sent: ${what}`, () => {
      for (const spaces of [0, 2]) {
        const text = JSON.stringify(
          {before: {value: [9]}, 'va"lue': '"value":[', value, after: ['value', [1]]},
          null,
          spaces,
        )
        expect(elementsOf(text)).to.deep.equal(value)
      }
    })
  }

  it('comes in parts of bounded size, cut between elements alone', () => {
    const value = Array.from({length: 5000}, (_, index) => ({index, text: '},{"a":[1,2],'.repeat(index % 30)}))
    const parts = partsIn(JSON.stringify({value}))
    expect(parts?.flat()).to.deep.equal(value)
    expect(parts?.length).to.be.within(3, 20)
  })

  it('is none where the member is missing, no list, further within, or without an end', () => {
    for (const text of [
      '{}',
      '{"value":{"a":[1]}}',
      '{"a":{"value":[1]}}',
      '[{"value":[1]}]',
      '{"value":[1,{"a":"]',
      '<p>',
      '',
    ])
      expect(elementsOf(text), text).to.equal(undefined)
  })

  it('is an error where an element is no JSON', () => {
    for (const elements of [
      '1,',
      ',1',
      '{"a":tru}',
      '{"a":1,}',
      '{"a":01}',
      '\uFEFF{"a":1}',
      '{12345678901234567890:1}',
    ])
      expect(() => elementsOf(`{"value":[${elements}]}`), elements).to.throw()
  })
})

describe('an object in a list that is read in parts', () => {
  for (const json of [
    '{"a":1.0}',
    '{"a":-0}',
    '{"a":1.50e+3,"b":[1E5]}',
    '{"a":12345678901234567890123456789012345678901}',
    '{"a":"1234567890123456789","b":"order:1234567890123456789"}',
    '{"a":"\\u00e9\\/","b":"\\ud83e\\udd8a"}',
    '{"__proto__":{"a":1},"b":{}}',
  ]) {
    it(`keeps the text that was sent: ${json}`, () => {
      expect(keptOf(json)).to.equal(json)
    })
  }

  it('keeps it without the space between its tokens', () => {
    expect(keptOf('\n{ "a" : [ 1.0 ,\t" , " ] }\r\n')).to.equal('{"a":[1.0," , "]}')
  })

  it('keeps none that says more than its value does, or cannot be stored', () => {
    for (const json of ['{"a":1,"a":2}', '{"b":{"a":1,"\\u0061":2}}', '{"a":"\\ud83e"}', '{"a":"\\uDD8A"}'])
      expect(keptOf(json), json).to.equal(undefined)
  })

  it('has a value that says what the text says, to the last digit, and cannot be changed', () => {
    const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?$/)
    const leaf = fc.oneof(digits, fc.json({maxDepth: 2}))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), leaf)), (members) => {
        const json = `{${members.map(([name, value], index) => `${JSON.stringify(index + name)}:${value}`).join()}}`
        const [value] = elementsOf(`{"value":[${json}]}`) ?? []
        expect(Object.isFrozen(value)).to.equal(true)
        const kept = receivedJsonOf(value as object)
        if (kept === undefined) return
        expect(JSON.parse(Buffer.from(kept.bytes).toString())).to.deep.equal(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})
