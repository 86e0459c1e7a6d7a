import {expect} from 'chai'
import fc from 'fast-check'

import {parseExactly} from '../../src/base/exact-json.ts'
import {MOST_PATHS, ShapeFold, type StreamShape} from '../../src/model/record-shape.ts'
import type {JsonObject, JsonValue} from '../../src/source.ts'

const shapeOf = (...records: readonly object[]): StreamShape => {
  const fold = new ShapeFold()
  for (const [index, record] of records.entries()) fold.add(record as JsonObject, `thing:s:${index}`)
  return fold.shapeOf('thing')
}
const typesOf = (...records: readonly object[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(shapeOf(...records).paths.map(({path, types}) => [path, Object.keys(types)]))

/** The same by the plainest means: lists of values by path. */
function naively(records: readonly JsonValue[]): Readonly<Record<string, unknown>> {
  const values = new Map<string, JsonValue[]>()
  const walk = (value: JsonValue, path: string): void => {
    values.set(path, [...(values.get(path) ?? []), value])
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value))
      walk(member as JsonValue, `${path}/${Array.isArray(value) ? '*' : name}`)
  }
  for (const record of records) walk(record, '')
  const nameOf = (value: JsonValue): string => {
    if (value === null) return 'null'
    if (Array.isArray(value)) return 'array'
    if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? 'integer' : 'number'
    return typeof value
  }
  values.delete('')
  return Object.fromEntries(
    [...values].map(([path, all]) => [
      path,
      {
        types: [...new Set(all.map(nameOf))].toSorted(),
        count: all.length,
        objects: all.filter((value) => nameOf(value) === 'object').length,
      },
    ]),
  )
}

/** Ids are put together, which a plain walker does not do. */
const withPlainNames = (value: JsonValue): JsonValue => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withPlainNames)
  const members = Object.values(value as JsonObject).slice(0, 5)
  return Object.fromEntries(
    members.map((member, index) => [`m${'n'.repeat(index)}`, withPlainNames(member as JsonValue)]),
  )
}
const record = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'x/y', 'til~de'),
  fc.jsonValue({maxDepth: 3}).map((value) => withPlainNames(value as JsonValue)),
)

describe('the shape of records', () => {
  it('has every path, its types, and how often it is there, whatever the records are', () => {
    fc.assert(
      fc.property(fc.array(record, {maxLength: 8}), (records) => {
        const parsed = JSON.parse(JSON.stringify(records)) as JsonObject[]
        const found = Object.fromEntries(
          shapeOf(...parsed).paths.map(({path, types, count, objects}) => [
            path.replaceAll('~1', '/').replaceAll('~0', '~'),
            {types: Object.keys(types).toSorted(), count, objects},
          ]),
        )
        expect(found).to.deep.equal(naively(parsed))
      }),
      {numRuns: 300},
    )
  })

  it('is the same in whatever order the records come', () => {
    fc.assert(
      fc.property(fc.array(record, {maxLength: 6}), (records) => {
        const plain = (shape: StreamShape): unknown =>
          shape.paths
            .map(({path, types, count, objects}) => [path, Object.keys(types).join(), count, objects].join(' '))
            .toSorted()
        expect(plain(shapeOf(...records.toReversed()))).to.deep.equal(plain(shapeOf(...records)))
      }),
    )
  })

  it('tells instants from other texts, integers from numbers, and numbers that neither a double nor 64 bits hold', () => {
    expect(
      typesOf(
        {
          at: '2024-02-03T04:05:06Z',
          day: '2024-02-03',
          local: '2024-02-03T04:05:06',
          n: 1,
          f: 0.5,
        },
        {at: '2024-02-03T04:05:06.123456+01:00', nano: '2024-02-03T04:05:06.1234567Z', n: 1e300},
      ),
    ).to.deep.equal({
      '/at': ['timestamp'],
      '/day': ['string'],
      '/local': ['string'],
      '/n': ['integer', 'number'],
      '/f': ['number'],
      '/nano': ['string'],
    })
    const exact = parseExactly('{"id":9223372036854775807,"wide":9223372036854775808,"amount":0.12345678901234567890}')
    expect(typesOf(exact as JsonObject)).to.deep.equal({
      '/id': ['integer'],
      '/wide': ['decimal'],
      '/amount': ['decimal'],
    })
  })

  it('takes a value for what its JSON is', () => {
    expect(typesOf({at: new Date(0), none: undefined, list: [undefined]})).to.deep.equal({
      '/at': ['timestamp'],
      '/list': ['array'],
      '/list/*': ['null'],
    })
  })

  it('keeps the key of the first record that has a type', () => {
    const [path] = shapeOf({a: 1}, {a: 'x'}, {a: 2}, {a: null}).paths
    expect(path?.types).to.deep.equal({integer: 'thing:s:0', string: 'thing:s:1', null: 'thing:s:3'})
  })

  it('does not tell members apart that are named by ids, or of which there are too many', () => {
    const ids = {'7f0c0000-0000-0000-0000-000000000001': {n: 1}, '17': {n: 2}, '2024-01-01': {n: 3}, name: 'x'}
    expect(Object.keys(typesOf({byId: ids}))).to.deep.equal(['/byId', '/byId/*', '/byId/*/n', '/byId/name'])
    const words = Object.fromEntries(
      Array.from({length: 201}, (_, index) => [`w${'x'.repeat(index % 50)}${'y'.repeat(index / 50)}z`, {n: index}]),
    )
    const {paths} = shapeOf({words})
    expect(paths.map(({path, types, count}) => [path, Object.keys(types), count])).to.deep.equal([
      ['/words', ['object', 'map'], 1],
      ['/words/*', ['object'], 201],
      ['/words/*/n', ['integer'], 201],
    ])
  })

  it('stays small whatever comes: deep, wide, and with names without end', () => {
    let deep: JsonValue = 1
    for (let level = 0; level < 5000; level += 1) deep = {a: [deep]}
    expect(Math.max(...shapeOf({deep}).paths.map(({path}) => path.split('/').length))).to.be.below(15)
    const fold = new ShapeFold()
    for (let index = 0; index < 300; index += 1) {
      const members = Array.from({length: 150}, (_, member) => [
        `m${'y'.repeat(member % 60)}${'z'.repeat(index % 30)}`,
        member,
      ])
      fold.add({[`p${'q'.repeat(index % 90)}`]: Object.fromEntries(members) as JsonObject}, 'thing:s:x')
    }
    const {paths, morePaths} = fold.shapeOf('thing')
    expect(paths.length).to.be.at.most(MOST_PATHS)
    expect(morePaths).to.equal(true)
  })
})
