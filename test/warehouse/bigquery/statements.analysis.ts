import {spawnSync} from 'node:child_process'
import {hostname} from 'node:os'

import {expect} from 'chai'

import {codeOf, messageWithCauses, outcomeOf} from '../../../src/base/errors.ts'
import {dedupeTables} from '../../../src/run/dedupe-tables.ts'
import {promoteJob} from '../../../src/run/promote-job.ts'
import {seedJob} from '../../../src/run/seed-job.ts'
import type {Page} from '../../../src/source.ts'
import {definitionsOf, withTestSet} from '../../../src/model/tables.ts'
import {Connection} from '../../../src/warehouse/bigquery/connection.ts'
import {clientsFor} from '../../../src/warehouse/bigquery/dataset.ts'
import {examineRights} from '../../../src/warehouse/bigquery/rights.ts'
import {builtInMetadata} from '../../../src/warehouse/bigquery/table-metadata.ts'
import type {Warehouse} from '../../../src/warehouse/warehouse.ts'
import {spoiling} from '../../support/bigquery/spoiling.ts'
import {startAnalyzer, type AnalyzedColumn, type Analyzer} from '../../support/bigquery/analyzer.ts'
import {call, PROJECT, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {
  failedJob,
  once,
  startFaultyService,
  type FaultyService,
  type SeenRequest,
} from '../../support/bigquery/faulty-service.ts'
import {onOneLine, sqlInCode} from '../../support/bigquery/sql-in-code.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {documentedQueries} from '../../support/documented-queries.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {apply, planOf} from '../../support/planned-run.ts'
import {withRunMode} from '../../support/run-mode.ts'
import {PRODUCTION, TEST} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {undo as undoIn} from '../../support/undoing.ts'
import {DAY} from '../../support/warehouse-contract.ts'

interface Sent {
  readonly configuration?: {
    readonly query?: {readonly query: string; readonly queryParameters?: readonly {readonly name: string}[]}
  }
  readonly tableReference?: {readonly projectId: string; readonly datasetId: string; readonly tableId: string}
  readonly schema?: {readonly fields: readonly AnalyzedColumn[]}
}

interface SentStatement {
  readonly sql: string
  readonly parameters: readonly string[]
}

const SEEDED = withTestSet(PRODUCTION, 'seeded')
const OLD = {eventLog: 'old_event_log', rawObjects: 'old_raw_objects'}

/** A key comes again in a later commit. */
const COMPARED = {
  source: scriptedSource(
    () => [
      {id: 'a', at: 1},
      {id: 'a', at: DAY + 1},
    ],
    {defaults: {slice: '1d'}, streams: [{objectType: 'note', windowed: true}]},
  ),
  start: 0,
  request: {full: true, refetch: true},
  commitAfter: {records: 1, milliseconds: 300_000},
}

const isCommit = ({body}: SeenRequest): boolean => body.includes('BEGIN TRANSACTION')

describe('every statement that can be sent to BigQuery', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let service: FaultyService
  let analyzer: Analyzer
  let underTest: BigQueryUnderTest
  before(async () => {
    emulator = await startEmulator()
    service = await startFaultyService(emulator.url)
    analyzer = await startAnalyzer()
  })
  after(async () => {
    await analyzer.stop()
    await service.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    underTest = await bigQueryUnderTest({emulator, folder: folder(), endpoint: service.url})
    await underTest.createProduction()
    for (const [table, {columns}] of definitionsOf(PRODUCTION)) {
      analyzer.addTable(`${PROJECT}.${underTest.dataset}.${table}`, columns)
    }
    service.faults = () => undefined
    service.forget()
  })

  const notes = (...ids: readonly string[]): Page => ({objectType: 'note', records: ids.map((id) => ({id}))})
  const reading = (pages: readonly Page[], rejects = 0) =>
    scriptedSource(() => [], {
      streams: ['folder', 'note'].map((objectType) => ({objectType, windowed: false})),
      async *extract({known, reject}) {
        await known(['note:scripted--acct1:a'])
        for (let number = 0; number < rejects; number += 1)
          reject(`message ${number}`, 'it is damaged '.repeat(20), 'note')
        for (const page of pages) yield await Promise.resolve(page)
      },
    })

  /** Everything that a run can do, and what is asked outside of one. */
  const doEverything = async (): Promise<void> => {
    const both: Page = {objectType: 'folder', records: [{id: 'f'}], deleted: ['folder:scripted--acct1:gone']}
    const run = async (...args: Parameters<BigQueryUnderTest['run']>): Promise<void> => {
      const {error} = await underTest.run(...args)
      expect(error).to.equal(undefined)
    }
    const full = {full: true}
    await run({source: reading([notes('a', 'b'), both]), now: DAY, runId: 'first'})
    await run({source: reading([notes('a', 'b'), both]), now: 2 * DAY, request: full})
    const changing = {
      source: reading([notes('a', 'new'), {objectType: 'note', records: [{id: 'b', changed: true}]}]),
      now: 3 * DAY,
      request: full,
    }
    await underTest.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    await run({...changing, runId: 'undone'})
    await undo('undone')
    await run(changing)
    await run({source: reading([notes('a')], 3), now: 4 * DAY, request: full})
    await run({source: reading([notes('a')], 2000), now: 5 * DAY, request: full, maxRejects: 10_000})
    failCommitOnce()
    await run({source: reading([notes('a', 'repeated')]), now: 5 * DAY, request: full})
    await run({source: reading([notes('a', 'bad')]), now: 5 * DAY, warehouse: (real) => spoiling(real, 'bad')})
    const spoiled = {
      source: reading([notes('a', 'bad')]),
      request: full,
      warehouse: (real: Warehouse) => spoiling(real, 'bad'),
    }
    await run({...spoiled, now: 5 * DAY, mode: 'dry-run', diffSamples: 1})
    await run({source: reading([notes('a')]), now: 6 * DAY, mode: 'dry-run'})
    await run({source: reading([notes('a', 'tested'), both], 1), now: 6 * DAY, mode: 'test-table', diffSamples: 1})
    await promote()
    await seed()
    await run({source: reading([notes('seeded')]), now: 6 * DAY, mode: 'test-table', tables: SEEDED})
    await promote(SEEDED)
    await run({...COMPARED, now: 6 * DAY, mode: 'dry-run', diffSamples: 1})
    await plan()
    service.faults = once(isCommit, failedJob('invalidQuery', 'Transaction is aborted due to concurrent update'))
    await run({source: reading([notes('c', 'c')]), now: 7 * DAY, request: full})
    const stream = {sourceSystem: 'scripted--acct1', objectType: 'note'}
    const warehouse = underTest.open()
    await warehouse.readStreamStates(PRODUCTION, [{job: 'job', account: null, selection: 'all', stream}])
    await warehouse.readRejects(PRODUCTION, {of: {runId: 'first'}, closedToo: true, limit: 10})
    await warehouse.readRejects(PRODUCTION, {of: {job: 'job'}, closedToo: false, limit: 10})
    await warehouse.readRunEvents(PRODUCTION, {job: 'job', limit: 5})
    await warehouse.readRunEvents(PRODUCTION, {runId: 'first', limit: 1})
    await warehouse.readRunEvents(PRODUCTION, {streams: [stream], limit: 1})
    await warehouse.readRunEvents(PRODUCTION, {named: 'first', since: 0, ended: 'open', limit: 1})
    await warehouse.readRunEvents(PRODUCTION, {ended: 'undone', limit: 1})
    await warehouse.readRunEvents(PRODUCTION, {from: 0, heardSince: 0, promoted: ['first'], plan: '0', limit: 1})
    const index = await warehouse.indexKeys(PRODUCTION, [stream], folder(), new Date(9 * DAY))
    index.close()
    const asked = await warehouse.indexKeys(PRODUCTION, [stream], folder())
    await asked.has(['note:scripted--acct1:a'])
    asked.close()
    for await (const page of warehouse.readPayloads(PRODUCTION, {stream, samplePercent: 100, priced: () => undefined}))
      expect(page).to.not.deep.equal([])
    await warehouse.readRecord(PRODUCTION, {idemKey: 'note:scripted--acct1:a', stream})
    const types = ['integer', 'number', 'boolean', 'timestamp', 'text', 'json'] as const
    const columns = types.map((type) => ({name: type, path: `/${type}/@odata.etag`, type}))
    const {select, losses} = await warehouse.viewSql({tables: PRODUCTION, stream, columns})
    for (const sql of [select, losses]) await warehouse.query({sql, rows: 1})
    await warehouse.describe(PRODUCTION)
    await warehouse.describe(PRODUCTION, new Date())
    await warehouse.createTables(PRODUCTION, {logRetention: 400 * DAY})
    await warehouse.countSurplusRows(PRODUCTION)
    await dedupe()
    await warehouse.checkWritable(PRODUCTION)
    await askForRights()
    await makeOldTables()
    await warehouse.addColumns([OLD])
    await loseTheStream()
    await missRows()
  }

  const place = () => ({warehouse: underTest.open(), production: PRODUCTION, maskSecrets: (text: string) => text})
  const undo = async (runId: string): Promise<void> => {
    const {streams} = await undoIn(() => place().warehouse, runId)
    expect(streams.reduce((sum, {restored}) => sum + restored, 0)).to.equal(1)
  }
  const dedupe = async (): Promise<void> => {
    await underTest.query('INSERT INTO {raw_objects} SELECT * FROM {raw_objects}')
    const how = {priced: () => {}, found: () => {}}
    const {streams} = await withRunMode('production', async () =>
      dedupeTables({...place(), ...how, mode: 'production'}),
    )
    expect(streams).to.have.length(2)
  }
  const scopes = ['folder', 'note'].map((objectType) => ({
    job: 'job',
    account: 'acct1',
    selection: 'all',
    stream: {sourceSystem: 'scripted--acct1', objectType},
  }))
  const missRows = async (): Promise<void> => {
    await underTest.query('DROP TABLE {test_raw_objects}')
    let code = 'nothing is missed'
    try {
      await place().warehouse.readStreamStates(TEST, scopes)
    } catch (error) {
      code = codeOf(error)
    }
    expect(code).to.equal('E_TABLE_MISSING')
  }
  const plan = async (): Promise<void> => {
    const planned: Page = {objectType: 'note', records: [{id: 'a'}, {id: 'b', planned: true}]}
    const run = {source: reading([planned]), now: 6 * DAY, request: {full: true}}
    // The emulator looks at a table after single statements, and not after transactions.
    await underTest.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    const {path} = await planOf(underTest, run, {objectTypes: ['folder', 'note']})
    expect((await apply(underTest, path)).counts).to.include({updated: 1, unchanged: 1})
  }
  const promote = async (production = PRODUCTION): Promise<void> => {
    const how = {scopes, production, diffSamples: 1, hiddenPaths: [], changed: 'skip' as const}
    await withRunMode('production', async () => promoteJob({...place(), ...how, mode: 'production'}))
  }
  const seed = async (): Promise<void> => {
    const how = {scopes, production: SEEDED, estimated: () => {}}
    await withRunMode('test-table', async () => seedJob({...place(), ...how, mode: 'test-table'}))
  }

  /** Whether it came through after all is then asked of the log. */
  const failCommitOnce = (): void => {
    service.faults = ({method, body}) => {
      if (method !== 'POST' || !body.includes('COMMIT TRANSACTION')) return undefined
      service.faults = () => undefined
      const {jobReference} = JSON.parse(body) as {readonly jobReference: object}
      const status = {state: 'DONE', errorResult: {reason: 'backendError', message: 'the service gave up'}}
      return {status: 200, body: {jobReference, status}}
    }
  }

  /** The emulator has no IAM. */
  const askForRights = async (): Promise<void> => {
    service.faults = ({path}) => (path.endsWith(':testIamPermissions') ? {status: 200, body: {}} : undefined)
    const {connection: options} = underTest
    const {signal} = new AbortController()
    const connection = new Connection(options, await clientsFor(options))
    await examineRights('test', {connection, production: PRODUCTION, identity: undefined, signal})
    service.faults = () => undefined
  }

  /** As they were before the log had traces and the objects ids. */
  const makeOldTables = async (): Promise<void> => {
    for (const [tableId, definition] of definitionsOf(OLD)) {
      const columns = definition.columns.filter(
        ({name}) => !['trace_id', 'error_message', 'external_id'].includes(name),
      )
      const tableReference = {projectId: PROJECT, datasetId: underTest.dataset, tableId}
      const body = {tableReference, ...builtInMetadata({...definition, columns})}
      await call(service.url, 'POST', `/datasets/${underTest.dataset}/tables`, body)
    }
  }

  const loseTheStream = async (): Promise<void> => {
    const {pid} = spawnSync(process.execPath, ['--version'])
    const dead = JSON.stringify({process: {host: hostname(), pid, token: ''}, startedAt: new Date(0).toISOString()})
    const source = scriptedSource(() => [], {
      async *extract() {
        const [lease] = (await underTest.tables()).filter((name) => name.startsWith('lorchestra_lease_'))
        await underTest.query(`UPDATE {${lease ?? ''}} SET about = '${dead}' WHERE TRUE`)
        const taker = await underTest.run({source: scriptedSource(() => [{id: 'a', at: 1}]), now: 8 * DAY})
        expect(taker.error).to.equal(undefined)
        yield {records: [{id: 'late'}]}
      },
    })
    const {error} = await underTest.run({source, now: 8 * DAY})
    expect(outcomeOf(error)).to.equal('failed')
  }

  /** In their order, with the tables that they need made known. */
  const statementsSent = (learn: boolean): readonly SentStatement[] =>
    service.seen.flatMap(({method, path, body}) => {
      if (method !== 'POST' || path.startsWith('/upload')) return []
      const {configuration, tableReference, schema} = JSON.parse(body) as Sent
      if (tableReference !== undefined && schema !== undefined && learn) {
        const {projectId, datasetId, tableId} = tableReference
        analyzer.addTable(`${projectId}.${datasetId}.${tableId}`, schema.fields)
      }
      const query = configuration?.query
      if (query === undefined) return []
      return [{sql: query.query, parameters: (query.queryParameters ?? []).map(({name}) => name)}]
    })

  it('is analysed where the page of tables shows it: all but what is newer than the analyzer', async () => {
    for (const [table, {columns}] of definitionsOf(PRODUCTION)) analyzer.addTable(table, columns)
    const text = (...names: readonly string[]) => names.map((name) => ({name, type: 'STRING' as const}))
    analyzer.addTable('gmail__acct1_email', [...text('internalDate'), {name: 'payload__headers', type: 'JSON'}])
    analyzer.addTable('dataverse__clinic_contact', text('fullname', 'emailaddress1'))
    const refused: string[] = []
    for (const {bigquery} of documentedQueries)
      await analyzer.analyze(bigquery, []).catch((error: unknown) => refused.push(messageWithCauses(error)))
    expect(documentedQueries).to.have.length(10)
    expect(refused.map((words) => /Function not found: (\w+)/.exec(words)?.[1] ?? words)).to.deep.equal(['json_keys'])
  })

  it('is understood by Google’s own analyzer, and one with a misspelt column or an = between JSON values is not', async () => {
    await doEverything()
    const sent = statementsSent(true)
    const refused: string[] = []
    for (const {sql, parameters} of sent) {
      await analyzer.analyze(sql, parameters).catch((error: unknown) => refused.push(`${String(error)}\n${sql}`))
    }
    expect(refused).to.deep.equal([])
    const all = onOneLine(sent.map(({sql}) => sql).join('\n'))
    const unseen = (await sqlInCode()).filter(({text}) => !all.includes(onOneLine(text)))
    expect(unseen, 'SQL in the code that none of these runs sent').to.deep.equal([])

    const broken: readonly [string, string, RegExp][] = [
      ['payload = fresh.payload', 'payload = fresh.paylaod', /paylaod not found/],
      [
        'IF(TO_JSON_STRING(stored.payload) = TO_JSON_STRING(fresh.payload)',
        'IF(stored.payload = fresh.payload',
        /not defined for arguments of type JSON/,
      ],
    ]
    for (const [right, wrong, complaint] of broken) {
      const sql = sent.find((one) => one.sql.includes(right))?.sql.replace(right, wrong) ?? ''
      expect(sql).to.include(wrong)
      const error = await analyzer.analyze(sql, []).catch((reason: unknown) => reason)
      expect(String(error)).to.match(complaint)
    }
  })
})
