import {expect} from 'chai'

import {LorchestraError} from '../../src/base/errors.ts'
import type {SchemaFact, SchemaType} from '../../src/model/stream-schema.ts'
import {assertViewName, viewColumns, viewNameOf} from '../../src/warehouse/view-columns.ts'
import {PRODUCTION} from '../support/scripted-run.ts'

const fact = (path: string, ...types: readonly SchemaType[]): SchemaFact => ({path, types, always: true})
const columns = (...facts: readonly SchemaFact[]): Readonly<Record<string, string>> =>
  Object.fromEntries(viewColumns(facts).map(({name, path, type}) => [name, `${path} ${type}`]))

describe('the columns of a view', () => {
  it('have the type of all values but null, and are JSON where there are several or other ones', () => {
    expect(
      columns(
        fact('/a', 'null', 'integer'),
        fact('/b', 'number'),
        fact('/c', 'boolean'),
        fact('/d', 'timestamp'),
        fact('/e', 'string'),
        fact('/f', 'decimal'),
        fact('/g', 'integer', 'string'),
        fact('/h', 'array'),
        fact('/h/*', 'integer'),
        fact('/i', 'map'),
        fact('/j', 'null'),
        fact('', 'object', 'more'),
      ),
    ).to.deep.equal({
      a: '/a integer',
      b: '/b number',
      c: '/c boolean',
      d: '/d timestamp',
      e: '/e text',
      f: '/f text',
      g: '/g json',
      h: '/h json',
      i: '/i json',
      j: '/j json',
    })
  })

  it('spread objects three levels deep, and none that is something else at times', () => {
    expect(
      columns(
        fact('/a', 'null', 'object'),
        fact('/a/b', 'object'),
        fact('/a/b/c', 'object'),
        fact('/a/b/c/d', 'string'),
        fact('/a/e', 'string'),
        fact('/f', 'object', 'string'),
        fact('/f/g', 'string'),
        fact('/h', 'object'),
      ),
    ).to.deep.equal({a__b__c: '/a/b/c json', a__e: '/a/e text', f: '/f json', h: '/h json'})
  })

  it('have names that any warehouse takes, each once without regard to case', () => {
    const names = ['/Name', '/name', '/@odata.etag', '/1st', '/idem_key', '/a~1b', '/_partition', '/ü', '/é']
    expect(viewColumns(names.map((path) => fact(path, 'string'))).map(({name}) => name)).to.deep.equal([
      'Name',
      'name_2',
      '_odata_etag',
      '_1st',
      'idem_key_2',
      'a_b',
      'x_partition',
      '_',
      '__2',
    ])
  })
})

describe('the name of a view', () => {
  it('is that of its stream, in letters that need no quotes', () => {
    expect(viewNameOf({sourceSystem: 'dataverse--clinic', objectType: 'contact'})).to.equal('dataverse__clinic_contact')
  })

  for (const name of [
    'raw_objects',
    'EVENT_LOG',
    'test_raw_objects',
    'lorchestra_staging_1',
    'a b',
    'x"; DROP',
    '1a',
    '',
  ])
    it(`is never ${JSON.stringify(name)}`, () => {
      expect(() => assertViewName(name, PRODUCTION)).to.throw(LorchestraError, 'cannot be called')
    })
})
