import {expect} from 'chai'
import fc from 'fast-check'

import {hidePaths, segmentsOf} from '../../src/model/hidden-paths.ts'

const RECORD = `{"id":7,"name":"Ann","address":{"city":"Graz","geo":[47.07,15.43]},"phones":[{"kind":"home","number":"1"},{"number":"2"}],"a/b":1,"m~n":2,"*":3}`

describe('a path into a payload', () => {
  for (const [what, paths, shown] of [
    ['a text', ['/name'], {name: '***'}],
    ['a number', ['/id'], {id: '***'}],
    ['an object, as a whole', ['/address'], {address: '***'}],
    ['a list, as a whole', ['/address/geo'], {address: {city: 'Graz', geo: '***'}}],
    ['one element', ['/address/geo/1'], {address: {city: 'Graz', geo: [47.07, '***']}}],
    ['a member of all elements', ['/phones/*/number'], {phones: [{kind: 'home', number: '***'}, {number: '***'}]}],
    ['all members', ['/address/*'], {address: {city: '***', geo: '***'}}],
    ['a name with a slash and one with a tilde', ['/a~1b', '/m~0n'], {'a/b': '***', 'm~n': '***'}],
    ['a value and one within it', ['/address/city', '/address'], {address: '***'}],
    ['nothing that is not there', ['/mail', '/name/first', '/phones/2', '/phones/-', '/phones/00'], {}],
  ] as const) {
    it(`hides ${what}: ${paths.join(', ')}`, () => {
      expect(JSON.parse(hidePaths(RECORD, paths))).to.deep.equal({...(JSON.parse(RECORD) as object), ...shown})
    })
  }

  it('leaves all digits of other numbers', () => {
    const json = '{"balance":12345678901234567890.123456789,"list":[0.12345678901234567890],"name":"Ann"}'
    expect(hidePaths(json, ['/name'])).to.equal(json.replace('"Ann"', '"***"'))
    expect(hidePaths(json, ['/balance/rawJSON', '/list/*'])).to.equal(json.replace('0.12345678901234567890', '"***"'))
  })

  it('leaves a payload without paths as it was written', () => {
    expect(hidePaths('{ "a" : 1.0 }', [])).to.equal('{ "a" : 1.0 }')
  })

  it('hides all of a payload that is nested too deeply to be looked into', () => {
    const json = `{"a":${'['.repeat(5000)}"Ann"${']'.repeat(5000)}}`
    expect(hidePaths(json, ['/b'])).to.equal('"***"')
  })

  it('quotes nothing of a payload that is no JSON', () => {
    expect(() => hidePaths('{"name": Ann}', ['/name'])).to.throw(/no JSON$/)
  })

  it('hides what it leads to in any payload, and nothing else', () => {
    const step = (value: unknown, name: string): unknown => (value as Readonly<Record<string, unknown>>)[name]
    const escaped = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string(),
          fc.dictionary(
            fc.string(),
            fc.json().map((text): unknown => JSON.parse(text)),
          ),
        ),
        fc.nat(),
        (payload, number) => {
          const places = Object.entries(payload).flatMap(([name, members]) =>
            Object.keys(members).map((member) => [name, member] as const),
          )
          const [name, member] = places[number % Math.max(places.length, 1)] ?? ['', '']
          fc.pre(places.length > 0 && !`${name}${member}`.includes('${') && name !== '*' && member !== '*')
          const shown: unknown = JSON.parse(hidePaths(JSON.stringify(payload), [`${escaped(name)}${escaped(member)}`]))
          expect(step(step(shown, name), member)).to.equal('***')
          for (const [other, inner] of places)
            if (other !== name || inner !== member)
              expect(step(step(shown, other), inner)).to.deep.equal(
                step(step(JSON.parse(JSON.stringify(payload)), other), inner),
              )
        },
      ),
    )
  })

  for (const [written, says] of [
    ['name', 'did you mean "/name"?'],
    ['address.city', 'did you mean "/address/city"?'],
    ['$.address.city', 'did you mean "/address/city"?'],
    ['', '--samples 0'],
    ['/a~b', 'in a name ~ is written ~0'],
    ['/${NAME}', 'holds a variable'],
  ] as const)
    it(`is refused where it is written ${JSON.stringify(written)}`, () => {
      expect(() => segmentsOf(written)).to.throw(says)
    })
})
