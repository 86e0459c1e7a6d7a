import {expect} from 'chai'

import {assertWritable} from '../../../src/warehouse/bigquery/guard.ts'

const place = {project: 'p', dataset: 'd'}
const writable = {tables: ['test_event_log', 'test_raw_objects'], prefixes: ['lorchestra_staging_1']}
const statement = (query: string) => ({method: 'POST', path: '/jobs', body: {configuration: {query: {query}}}})
const table = (tableId: string, datasetId = 'd') => ({projectId: 'p', datasetId, tableId})

describe('the guard of all requests', () => {
  const refused: readonly [string, object][] = [
    [
      'a statement that writes production',
      statement('MERGE INTO `p.d.raw_objects` AS stored USING `p.d.test_raw_objects`'),
    ],
    [
      'one that only reads it beside a write',
      statement('INSERT INTO `p.d.test_event_log` SELECT * FROM `p.d.event_log`'),
    ],
    ['one behind a SELECT', statement('SELECT 1; DROP TABLE `p.d.raw_objects`')],
    ['one that hides behind a constant', statement('DELETE FROM `p.d.raw_objects` WHERE x = "`p.d.test_raw_objects`"')],
    ['one without a name', statement('DROP SCHEMA d CASCADE')],
    ['a name of another dataset', statement('DELETE FROM `p.other.test_raw_objects` WHERE TRUE')],
    [
      'a SELECT into a table',
      {...statement('SELECT 1'), body: {configuration: {query: {query: 'SELECT 1', destinationTable: table('x')}}}},
    ],
    [
      'a load into production',
      {method: 'POST', path: '/jobs', body: {configuration: {load: {destinationTable: table('raw_objects')}}}},
    ],
    [
      'a copy',
      {method: 'POST', path: '/jobs', body: {configuration: {copy: {destinationTable: table('test_raw_objects')}}}},
    ],
    [
      'a table of production',
      {method: 'POST', path: '/datasets/d/tables', body: {tableReference: table('raw_objects')}},
    ],
    ['a deleted table', {method: 'DELETE', path: '/datasets/d/tables/raw_objects'}],
    ['a deleted dataset', {method: 'DELETE', path: '/datasets/d'}],
    ['rows that are streamed', {method: 'POST', path: '/datasets/d/tables/test_raw_objects/insertAll', body: {}}],
    ['a changed table', {method: 'PATCH', path: '/datasets/d/tables/test_raw_objects', body: {}}],
  ]
  for (const [what, request] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => assertWritable(place, writable, request as ReturnType<typeof statement>)).to.throw()
    })
  }

  it('lets through what the run may do, and nothing that writes before a run begins', () => {
    const allowed = [
      statement('MERGE INTO `p.d.test_raw_objects` AS stored USING `p.d.lorchestra_staging_1_fresh` AS fresh ON TRUE'),
      {method: 'POST', path: '/datasets/d/tables', body: {tableReference: table('lorchestra_staging_1_0')}},
      {method: 'DELETE', path: '/datasets/d/tables/lorchestra_staging_1_0'},
    ]
    for (const request of allowed) {
      expect(() => assertWritable(place, writable, request)).to.not.throw()
      expect(() => assertWritable(place, undefined, request)).to.throw('refused')
    }
    expect(() => assertWritable(place, undefined, statement('SELECT * FROM `p.d.raw_objects`'))).to.not.throw()
  })

  it('lets a run into a set of test tables write that set, and no other', () => {
    const alice = {...writable, tables: ['test_event_log__alice', 'test_raw_objects__alice']}
    expect(() =>
      assertWritable(place, alice, statement('DELETE FROM `p.d.test_raw_objects__alice` WHERE TRUE')),
    ).to.not.throw()
    for (const other of ['test_raw_objects', 'test_raw_objects__bob', 'test_raw_objects__alice2', 'raw_objects'])
      expect(() => assertWritable(place, alice, statement(`DELETE FROM \`p.d.${other}\` WHERE TRUE`)), other).to.throw(
        'refused',
      )
  })

  it('knows the dataset of each table, so that no test run can name another one in a write', () => {
    const apart = {...place, testDataset: 'tests', stagingDataset: 'staging'}
    const test = {
      tables: writable.tables,
      prefixes: ['lorchestra_test_staging_', 'lorchestra_test_lease_'],
      readOnly: ['raw_objects'],
      expiring: writable.tables,
    }
    const made = (name: string, dataset: string) => ({
      method: 'POST',
      path: `/datasets/${dataset}/tables`,
      body: {tableReference: table(name, dataset)},
    })
    const moved = (dataset: string) => ({
      method: 'PATCH',
      path: `/datasets/${dataset}/tables/test_raw_objects`,
      body: {expirationTime: '1'},
    })
    for (const request of [
      statement('INSERT INTO `p.tests.test_raw_objects` SELECT * FROM `p.d.raw_objects`'),
      statement('CREATE TABLE `p.tests.lorchestra_test_lease_1` AS SELECT 1'),
      made('lorchestra_test_staging_1', 'tests'),
      moved('tests'),
    ])
      expect(() => assertWritable(apart, test, request), JSON.stringify(request)).to.not.throw()
    for (const request of [
      statement('DELETE FROM `p.d.test_raw_objects` WHERE TRUE'),
      statement('DELETE FROM `p.tests.raw_objects` WHERE TRUE'),
      statement('INSERT INTO `p.d.raw_objects` SELECT * FROM `p.tests.test_raw_objects`'),
      statement('INSERT INTO `p.tests.test_raw_objects` SELECT * FROM `p.tests.raw_objects`'),
      statement('CREATE TABLE `p.d.lorchestra_test_lease_1` AS SELECT 1'),
      statement('CREATE TABLE `p.staging.lorchestra_staging_1` AS SELECT 1'),
      made('lorchestra_test_staging_1', 'd'),
      made('lorchestra_test_staging_1', 'staging'),
      made('test_raw_objects', 'd'),
      {...made('test_raw_objects', 'tests'), path: '/datasets/d/tables'},
      moved('d'),
      {method: 'DELETE', path: '/datasets/d/tables/test_raw_objects'},
    ])
      expect(() => assertWritable(apart, test, request), JSON.stringify(request)).to.throw(/refused|not one that/)
  })

  it('lets a test run move the end of its own tables, and change nothing else of them', () => {
    const patch = (tableId: string, body: object) => ({method: 'PATCH', path: `/datasets/d/tables/${tableId}`, body})
    const test = {...writable, expiring: writable.tables}
    for (const expirationTime of ['1800000000000', null])
      expect(() => assertWritable(place, test, patch('test_raw_objects', {expirationTime}))).to.not.throw()
    for (const request of [
      patch('raw_objects', {expirationTime: '1'}),
      patch('test_raw_objects__alice', {expirationTime: '1'}),
      patch('test_raw_objects', {}),
      patch('test_raw_objects', {schema: {fields: []}}),
      patch('test_raw_objects', {expirationTime: '1', labels: {}}),
      {method: 'PATCH', path: '/datasets/d', body: {expirationTime: '1'}},
      {method: 'PATCH', path: '/datasets/other/tables/test_raw_objects', body: {expirationTime: '1'}},
    ])
      expect(() => assertWritable(place, test, request), JSON.stringify(request)).to.throw('refused')
    expect(() => assertWritable(place, writable, patch('test_raw_objects', {expirationTime: '1'}))).to.throw('refused')
  })

  it('lets a promotion read test tables, and neither write nor empty them', () => {
    const promoting = {...writable, tables: ['event_log', 'raw_objects'], readOnly: ['test_raw_objects']}
    const read =
      'INSERT INTO `p.d.raw_objects` SELECT * FROM `p.d.test_raw_objects` JOIN `p.d.test_raw_objects` ON TRUE'
    expect(() => assertWritable(place, promoting, statement(read))).to.not.throw()
    for (const sql of [
      'DELETE FROM `p.d.test_raw_objects` WHERE TRUE',
      'DELETE   FROM  `p.d.test_raw_objects` WHERE TRUE',
      'MERGE INTO `p.d.test_raw_objects` AS stored USING `p.d.raw_objects` AS fresh ON TRUE',
      'UPDATE `p.d.test_raw_objects` SET x = 1 WHERE TRUE',
      'INSERT INTO `p.d.test_raw_objects` SELECT * FROM `p.d.raw_objects`',
      'INSERT INTO `p.d.raw_objects` SELECT * FROM `p.other.test_raw_objects`',
      'TRUNCATE TABLE `p.d.test_raw_objects`',
    ]) {
      expect(() => assertWritable(place, promoting, statement(sql)), sql).to.throw('refused')
    }
  })
})
