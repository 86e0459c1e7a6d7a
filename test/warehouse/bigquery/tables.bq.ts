import {spawnSync} from 'node:child_process'
import {hostname} from 'node:os'

import {expect} from 'chai'

import {LorchestraError, outcomeOf} from '../../../src/base/errors.ts'
import {stagingName} from '../../../src/warehouse/bigquery/names.ts'
import {BigQueryWarehouse} from '../../../src/warehouse/bigquery/warehouse.ts'
import {call, PROJECT, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'

type Fields = readonly {readonly name: string; readonly type: string; readonly mode: string}[]

describe('BigQuery tables', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let underTest: BigQueryUnderTest
  before(async () => (emulator = await startEmulator()))
  after(async () => emulator.stop())
  beforeEach(async () => (underTest = await bigQueryUnderTest({emulator, folder: folder()})))
  const failureOf = async (mode: 'production' | 'test-table' | 'dry-run'): Promise<LorchestraError> => {
    const report = await underTest
      .run({source: yielding({id: 'a'}), now: DAY, mode})
      .catch((error: unknown) => ({error}))
    if (report.error instanceof LorchestraError) return report.error
    throw new Error(`it went well: ${String(report.error)}`)
  }

  interface Definition {
    readonly schema: {readonly fields: Fields}
    readonly clustering?: object
    readonly timePartitioning?: object
  }
  const definitionOf = async (table: string): Promise<Definition> => {
    const made = await call(emulator.url, 'GET', `/datasets/${underTest.dataset}/tables/${table}`)
    const {schema, clustering, timePartitioning} = made as Definition
    return {
      schema,
      ...(clustering !== undefined && {clustering}),
      ...(timePartitioning !== undefined && {timePartitioning}),
    }
  }
  const remake = async (tableId: string, change: (made: Definition) => Definition): Promise<void> => {
    const made = change(await definitionOf(tableId))
    const tableReference = {projectId: PROJECT, datasetId: underTest.dataset, tableId}
    await call(emulator.url, 'DELETE', `/datasets/${underTest.dataset}/tables/${tableId}`)
    await call(emulator.url, 'POST', `/datasets/${underTest.dataset}/tables`, {...made, tableReference})
  }

  it('in a dataset that is not there, or is elsewhere, are usage errors', async () => {
    const {url: apiEndpoint} = emulator
    for (const [options, message] of [
      [{dataset: 'nowhere'}, 'there is no dataset test-project.nowhere'],
      [
        {dataset: underTest.dataset, location: 'EU'},
        `the dataset test-project.${underTest.dataset} is in US, not in EU`,
      ],
    ] as const) {
      const warehouse = new BigQueryWarehouse({project: PROJECT, apiEndpoint, ...options}, new AbortController().signal)
      const error = await warehouse.createTables(PRODUCTION).catch((reason: unknown) => reason)
      expect([outcomeOf(error), (error as Error).message.includes(message)]).to.deep.equal(['usage', true])
    }
    expect(await underTest.tables()).to.deep.equal([])
  })

  it('of production are made by hand, once', async () => {
    const {url: apiEndpoint} = emulator
    const warehouse = new BigQueryWarehouse(
      {project: PROJECT, apiEndpoint, dataset: underTest.dataset},
      new AbortController().signal,
    )
    expect(await warehouse.createTables(PRODUCTION)).to.deep.equal(['event_log', 'raw_objects'])
    expect(await warehouse.createTables(PRODUCTION)).to.deep.equal([])
    expect((await underTest.run({source: yielding({id: 'a'}), now: DAY})).error).to.equal(undefined)
  })

  it('of production are never made by a run', async () => {
    const error = await failureOf('production')
    expect([outcomeOf(error), error.next]).to.deep.equal(['usage', 'Create it with: lorchestra warehouse create'])
    expect(await underTest.tables()).to.deep.equal([])
  })

  it('for tests come from the built-in definition where production is proved absent, which is not made', async () => {
    const {error} = await underTest.run({source: yielding({id: 'a'}), now: DAY, mode: 'test-table'})
    expect(error).to.equal(undefined)
    expect(await underTest.tables()).to.deep.equal(['test_event_log', 'test_raw_objects'])
  })

  it('for tests are exact twins of production, or refused', async () => {
    await underTest.createProduction()
    await underTest.run({source: yielding({id: 'a'}), now: DAY, mode: 'test-table'})
    for (const table of ['event_log', 'raw_objects']) {
      expect(await definitionOf(`test_${table}`)).to.deep.equal(await definitionOf(table))
    }
    await remake('raw_objects', (made) => ({...made, clustering: {fields: ['source_system', 'object_type']}}))
    const error = await failureOf('test-table')
    expect(outcomeOf(error)).to.equal('usage')
    expect(error.message).to.include('test_raw_objects has another definition than raw_objects: clustering is')
  })

  const without = (fields: Fields, name: string): Fields => fields.filter((field) => field.name !== name)
  const changed = (fields: Fields, name: string, change: object): Fields =>
    fields.map((field) => (field.name === name ? {...field, ...change} : field))
  const more = (fields: Fields, mode: string): Fields => [...fields, {name: 'more', type: 'STRING', mode}]
  const changes: readonly [string, (fields: Fields) => Fields, string | undefined][] = [
    ['hold text, not JSON', (all) => changed(all, 'payload', {type: 'STRING'}), 'column payload is STRING, not JSON'],
    ['lack a column', (all) => without(all, 'external_id'), 'column external_id (STRING) is missing'],
    ['may lack a key', (all) => changed(all, 'idem_key', {mode: 'NULLABLE'}), 'column idem_key must be REQUIRED'],
    ['have a required column more', (all) => more(all, 'REQUIRED'), "column more is not lorchestra's"],
    ['have a nullable column more', (all) => more(all, 'NULLABLE'), undefined],
    ['require what is always written', (all) => changed(all, 'external_id', {mode: 'REQUIRED'}), undefined],
  ]
  for (const [what, change, difference] of changes) {
    it(`that another tool made are ${difference === undefined ? 'accepted' : 'refused'} where they ${what}`, async () => {
      await underTest.createProduction()
      await remake('raw_objects', (made) => ({...made, schema: {fields: change(made.schema.fields)}}))
      if (difference === undefined) {
        const {error, counts} = await underTest.run({source: yielding({id: 'a'}), now: DAY})
        expect([error, counts.inserted]).to.deep.equal([undefined, 1])
        return
      }
      for (const mode of ['production', 'dry-run', 'test-table'] as const) {
        const error = await failureOf(mode)
        expect([mode, outcomeOf(error)]).to.deep.equal([mode, 'usage'])
        expect(error.message).to.include(`the table raw_objects is not one that lorchestra can write: ${difference}`)
      }
    })
  }

  it('that are views are refused, and stay as they are', async () => {
    await underTest.query(`CREATE VIEW {event_log} AS SELECT 1 AS one`)
    for (const mode of ['production', 'test-table'] as const) {
      const error = await failureOf(mode)
      expect([mode, outcomeOf(error)]).to.deep.equal([mode, 'usage'])
      expect(error.message).to.include('event_log is not one that lorchestra can write: it is a view, not a table')
    }
    expect(await underTest.tables()).to.deep.equal(['event_log'])
  })

  it('with several rows for one key fail the run and stay as they are', async () => {
    await underTest.createProduction()
    const row = `('thing:scripted--acct1:a', 'scripted--acct1', 'thing', 'a', JSON '{}', TIMESTAMP '2020-01-01', TIMESTAMP '1970-01-01')`
    const columns = '(idem_key, source_system, object_type, external_id, payload, first_seen, last_seen)'
    await underTest.query(`INSERT INTO {raw_objects} ${columns} VALUES ${row}, ${row}`)
    const error = await failureOf('production')
    expect(error.message).to.include('several rows for one idem_key')
    expect((await underTest.stored()).length).to.equal(2)
  })

  it('whose stream was taken over get nothing more from the run that lost it', async () => {
    await underTest.createProduction()
    const source = scriptedSource(() => [], {
      async *extract() {
        const [lease] = (await underTest.tables()).filter((name) => name.startsWith('lorchestra_lease_'))
        await underTest.query(`UPDATE {${lease ?? ''}} SET run_id = 'another' WHERE TRUE`)
        yield {records: [{id: 'a'}]}
      },
    })
    const {error} = await underTest.run({source, now: DAY})
    expect((error as Error).message).to.include('this run lost its stream')
    expect(await underTest.stored()).to.deep.equal([])
    expect((await underTest.logged()).map(({type}) => type)).to.deep.equal(['job.started'])
  })

  it('that a killed run staged are dropped by the run that takes its stream over, and no others', async () => {
    await underTest.createProduction()
    const {dataset} = underTest
    const [left, another] = ['killed', 'alive'].map((runId) => `${stagingName(dataset, PRODUCTION, runId)}_1_records_0`)
    const {pid} = spawnSync(process.execPath, ['--version'])
    const dead = JSON.stringify({process: {host: hostname(), pid, token: ''}, startedAt: new Date(0).toISOString()})
    const source = scriptedSource(() => [], {
      async *extract() {
        const [lease] = (await underTest.tables()).filter((name) => name.startsWith('lorchestra_lease_'))
        await underTest.query(`UPDATE {${lease ?? ''}} SET about = '${dead}' WHERE TRUE`)
        for (const name of [left, another]) await underTest.query(`CREATE TABLE {${name ?? ''}} AS SELECT 1 AS n`)
        expect((await underTest.run({source: yielding({id: 'a'}), now: DAY})).error).to.equal(undefined)
        yield {records: []}
      },
    })
    const {error} = await underTest.run({source, now: DAY, runId: 'killed'})
    expect((error as Error).message).to.include('this run lost its stream')
    expect((await underTest.tables()).filter((name) => name.startsWith('lorchestra_'))).to.deep.equal([another])
  })
})
