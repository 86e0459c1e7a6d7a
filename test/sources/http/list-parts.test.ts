import {expect} from 'chai'

import {findList, partsOf} from '../../../src/sources/http/list-parts.ts'

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text))

function elementsOf(text: string): {readonly elements: readonly unknown[]; readonly parts: number} | undefined {
  const bytes = bytesOf(text)
  const place = findList(bytes, 'value')
  if (place === undefined) return undefined
  const parts = [...partsOf(bytes, place, (part) => JSON.parse(`[${String(Buffer.from(part))}]`) as [])]
  return {elements: parts.flat(), parts: parts.length}
}

describe('a list that is read in parts', () => {
  for (const [what, value] of Object.entries({
    'no element': [],
    'one element': [{a: 1}],
    'texts with brackets, quotes and backslashes': [{a: '"],}\\', '"b[{': '\\"'}, '],[', '\\\\'],
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
        expect(elementsOf(text)?.elements).to.deep.equal(value)
      }
    })
  }

  it('comes in parts of bounded size, cut between elements alone', () => {
    const value = Array.from({length: 5000}, (_, index) => ({index, text: '},{"a":[1,2],'.repeat(index % 30)}))
    const found = elementsOf(JSON.stringify({value}))
    expect(found?.elements).to.deep.equal(value)
    expect(found?.parts).to.be.within(3, 20)
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

  it('leaves no bytes behind', () => {
    const bytes = bytesOf('{"value":[1,2]}')
    const place = findList(bytes, 'value')
    if (place === undefined) throw new Error('there is a list')
    for (const part of partsOf(bytes, place, (found) => [found.length])) expect(part).to.deep.equal([3])
    expect(bytes).to.have.length(0)
  })
})
