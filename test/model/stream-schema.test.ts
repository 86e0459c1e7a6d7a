import {expect} from 'chai'
import fc from 'fast-check'

import {ShapeFold, type StreamShape} from '../../src/model/record-shape.ts'
import {formatSchemaChange} from '../../src/model/schema-text.ts'
import {StreamSchema} from '../../src/model/stream-schema.ts'
import type {JsonObject} from '../../src/source.ts'

const shapeOf = (...records: readonly object[]): StreamShape => {
  const fold = new ShapeFold()
  for (const [index, record] of records.entries()) fold.add(record as JsonObject, `thing:s:${index}`)
  return fold.shapeOf('thing')
}
const knowing = (...records: readonly object[]): StreamSchema => {
  const schema = new StreamSchema()
  schema.fold(shapeOf(...records))
  return schema
}
const news = (schema: StreamSchema, ...records: readonly object[]): readonly string[] =>
  schema.fold(shapeOf(...records)).map(formatSchemaChange)

describe('what is known of the records of a stream', () => {
  it('tells each fact once: a new path, another type, what is no longer always there', () => {
    const schema = knowing({id: 'a', limit: 1, address: {city: 'Rome'}}, {id: 'b', limit: 2, address: {city: 'Oslo'}})
    const later = [
      {id: 'c', limit: 0.5, address: {city: 'Bern', zip: '3000'}, email: 'c@x'},
      {id: 'd', address: {city: 'Kyiv'}},
    ]
    expect(news(schema, ...later)).to.have.members([
      '~ /limit integer → number no longer always there (1 of 2)',
      '+ /address/zip string (1 of 2)',
      '+ /email string (1 of 2)',
    ])
    expect(news(schema, ...later)).to.deep.equal([])
    expect(news(schema, {id: 'e'})).to.deep.equal(['~ /address no longer always there (0 of 1)'])
  })

  it('tells nothing of what comes back, or is gone where it never was always', () => {
    const schema = knowing({id: 'a', note: 'x'}, {id: 'b'})
    expect(news(schema, {id: 'c'})).to.deep.equal([])
    expect(news(schema, {id: 'd', note: 'y'})).to.deep.equal([])
  })

  it('calls a path that comes late one that is not always there, and one within a new object by what it sees', () => {
    const schema = knowing({id: 'a'})
    schema.fold(shapeOf({id: 'b', address: {city: 'Rome'}}))
    expect(schema.facts().map(({path, always}) => [path, always])).to.deep.equal([
      ['/address', false],
      ['/address/city', true],
      ['/id', true],
    ])
  })

  it('names a record that shows the change', () => {
    const schema = knowing({id: 'a', n: 1})
    const changes = schema.fold(shapeOf({id: 'b', n: 2}, {id: 'c', n: 'three'}))
    expect(changes.map(({path, example}) => [path, example])).to.deep.equal([['/n', 'thing:s:1']])
  })

  it('makes a map of an object that gets ever new members, over many slices, and then is quiet', () => {
    const schema = knowing({labels: {first: 1}})
    const told: string[] = []
    for (let slice = 0; slice < 30; slice += 1) {
      const names = Array.from({length: 10}, (_, index) => [`label${'x'.repeat(slice)}${'y'.repeat(index)}z`, index])
      told.push(...news(schema, {labels: Object.fromEntries(names) as JsonObject}))
    }
    expect(told.at(-1)).to.equal('~ /labels object → map')
    expect(told.filter((line) => line.includes('→ map'))).to.have.length(1)
    expect(schema.facts().map(({path, types}) => [path, types])).to.deep.equal([
      ['/labels', ['map']],
      ['/labels/*', ['integer']],
    ])
    expect(news(schema, {labels: {another: 5}})).to.deep.equal([])
    expect(news(schema, {labels: {another: 'text'}})).to.deep.equal(['~ /labels/* integer → integer|string'])
  })

  it('stops at a number of paths, and says so once', () => {
    const schema = new StreamSchema()
    const told: string[] = []
    for (let slice = 0; slice < 40; slice += 1) {
      const members = Object.fromEntries(
        Array.from({length: 150}, (_, index) => [`m${'x'.repeat(index % 90)}${index > 89 ? 'y' : ''}`, 1]),
      )
      told.push(...news(schema, {[`group${'g'.repeat(slice)}`]: members}))
    }
    expect(schema.facts().length).to.be.at.most(2001)
    expect(told.filter((line) => line.includes('more'))).to.have.length(1)
  })

  it('is the same when it is read back from what was told', () => {
    const record = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({maxDepth: 2}))
    fc.assert(
      fc.property(fc.array(fc.array(record, {minLength: 1, maxLength: 4}), {maxLength: 5}), (slices) => {
        const [schema, readBack] = [new StreamSchema(), new StreamSchema()]
        for (const records of slices)
          for (const change of schema.fold(shapeOf(...(JSON.parse(JSON.stringify(records)) as object[]))))
            readBack.learn(change)
        expect(readBack.facts()).to.deep.equal(schema.facts())
        for (const records of slices)
          expect(readBack.fold(shapeOf(...(JSON.parse(JSON.stringify(records)) as object[])))).to.deep.equal([])
      }),
      {numRuns: 300},
    )
  })
})
