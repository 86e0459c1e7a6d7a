import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {call, startEmulator, query, PROJECT, type Emulator} from '../../support/bigquery/emulator.ts'
import {
  failedJob,
  isMutating,
  namesProduction,
  once,
  startFaultyService,
  type FaultyService,
  type SeenRequest,
} from '../../support/bigquery/faulty-service.ts'
import {lorchestra, startLorchestra, temporaryFolder, type CliOptions, type CliResult} from '../../support/cli.ts'
import {untilStderrHas} from '../../support/external-source.ts'
import {startGmailServer, type GmailServer} from '../../support/gmail-server.ts'
import {mailbox} from '../../support/mailbox.ts'

const MESSAGES = 24

describe('the program on BigQuery', () => {
  let emulator: Emulator
  let service: FaultyService
  let gmail: GmailServer
  let dataset: string
  let folder: string
  before(async () => {
    emulator = await startEmulator()
    service = await startFaultyService(emulator.url)
    gmail = await startGmailServer(mailbox(MESSAGES, {now: new Date()}))
  })
  after(async () => {
    await gmail.close()
    await service.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    dataset = await emulator.createDataset()
    folder = await temporaryFolder()
    await configure({})
    service.faults = () => undefined
  })

  const configure = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    const warehouse = {type: 'bigquery', project: PROJECT, dataset, api_endpoint: service.url, ...settings}
    const lines = Object.entries(warehouse).map(([key, value]) => `  ${key}: ${value}\n`)
    const jobs = 'jobs:\n  gmail_ingest_acct1:\n    account: acct1\n'
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      `warehouse:\n${lines.join('')}accounts:\n${gmail.accountYaml}${jobs}`,
    )
  }
  const options = (): CliOptions => ({cwd: folder, env: {PATH: process.env['PATH'] ?? '', ...gmail.env}})
  const run = async (line: string): Promise<CliResult> => lorchestra(line.split(' '), options())
  const temporaryTables = async (): Promise<readonly string[]> => {
    const {tables = []} = (await call(emulator.url, 'GET', `/datasets/${dataset}/tables`)) as {
      tables?: {tableReference: {tableId: string}}[]
    }
    return tables.map(({tableReference}) => tableReference.tableId).filter((name) => name.startsWith('lorchestra_'))
  }
  const keysIn = async (table: string): Promise<number> => {
    const [row] = await query(
      emulator.url,
      `SELECT COUNT(DISTINCT idem_key) AS keys FROM \`${PROJECT}.${dataset}.${table}\``,
    )
    return Number(row?.['keys'])
  }

  it('creates the production tables once, and no run creates them', async () => {
    const refused = await run('run gmail_ingest_acct1')
    expect([refused.code, refused.stdout]).to.deep.equal([2, ''])
    expect(refused.stderr).to.include('lorchestra warehouse create')
    expect((await run('warehouse create')).stdout).to.equal('event_log: created\nraw_objects: created\n')
    expect((await run('warehouse create')).stdout).to.equal('event_log: already there\nraw_objects: already there\n')
  })

  it('runs a job in all three modes', async () => {
    await run('warehouse create')
    const dry = await run('run gmail_ingest_acct1 --dry-run')
    expect([dry.code, dry.stderr]).to.deep.equal([0, ''])
    expect(dry.stdout).to.include('=== DRY RUN MODE === (no BigQuery writes)')
    expect(await keysIn('raw_objects')).to.equal(0)
    const test = await run('run gmail_ingest_acct1 --test-table')
    expect([test.code, test.stderr]).to.deep.equal([0, ''])
    expect([await keysIn('raw_objects'), await keysIn('event_log')]).to.deep.equal([0, 0])
    const stored = await keysIn('test_raw_objects')
    expect(stored).to.be.greaterThan(0)
    const production = await run('run gmail_ingest_acct1')
    expect([production.code, production.stderr]).to.deep.equal([0, ''])
    expect(production.stdout).to.include(`✓ gmail_ingest_acct1: ${stored} extracted, ${stored} inserted, 0 updated`)
    expect(await keysIn('raw_objects')).to.equal(stored)
    const again = await run('run gmail_ingest_acct1 --full --refetch')
    expect(again.stdout).to.include(`${stored} extracted, 0 inserted, 0 updated, ${stored} unchanged`)
  })

  it('asks nothing but questions in a dry run, and nothing at all where --since says where to begin', async () => {
    await run('warehouse create')
    await run('run gmail_ingest_acct1')
    for (const [line, asks] of [
      ['run gmail_ingest_acct1 --dry-run', true],
      ['run gmail_ingest_acct1 --dry-run --full', true],
      ['run gmail_ingest_acct1 --dry-run --since -7d --refetch', false],
      ['run gmail_ingest_acct1 --dry-run --since -7d', false],
    ] as const) {
      service.forget()
      const {code, stderr} = await run(line)
      expect([line, code, stderr]).to.deep.equal([line, 0, ''])
      expect([line, service.seen.length > 0]).to.deep.equal([line, asks])
      expect(service.seen.filter(isMutating)).to.deep.equal([])
    }
  })

  it('asks nothing but questions in commands that show something', async () => {
    await run('warehouse create')
    await run('run gmail_ingest_acct1')
    service.forget()
    for (const line of ['warehouse create', 'jobs show gmail_ingest_acct1', 'jobs list', 'runs list', 'rejects list']) {
      await run(line)
    }
    expect(service.seen.length).to.be.greaterThan(0)
    expect(service.seen.filter(isMutating)).to.deep.equal([])
  })

  it('tells each request with --log-level debug, without a statement, a row or a credential', async () => {
    await run('warehouse create')
    service.forget()
    const {code, stderr} = await run('run gmail_ingest_acct1 --log-level debug')
    expect(code).to.equal(0)
    const told = stderr.split('\n').filter((line) => line.includes('debug BigQuery '))
    const asked = service.seen.map(
      ({method, project, path}) => `${method} /projects/${project}${path.replace('/upload', '')}`,
    )
    expect(told.map((line) => /BigQuery (\S+ \S+)/.exec(line)?.[1]).toSorted()).to.deep.equal(asked.toSorted())
    for (const line of told) {
      expect(line).to.match(/^\S+Z debug BigQuery [A-Z]+ \/projects\/[\w/-]+ status=\d{3} milliseconds=\d+/)
      if (line.includes(' POST ') && line.includes('/jobs ')) expect(line).to.match(/ job=\S+$/)
    }
    expect(stderr).not.to.match(/SELECT|MERGE|INSERT|payload|idem_key/)
    service.faults = once(({method}) => method === 'GET', {
      status: 403,
      body: {error: {errors: [{reason: 'accessDenied', message: 'no'}]}},
    })
    const refused = await run('runs list --log-level debug')
    expect(refused.stderr).to.match(/debug BigQuery GET \S+ status=403 problem=accessDenied milliseconds=\d+/)
    service.faults = () => undefined
    expect((await run('runs list')).stderr).to.equal('')
  })

  it('names no production table in any write of a test run, whatever goes wrong', async () => {
    await run('warehouse create')
    await run('run gmail_ingest_acct1')
    const before = await keysIn('event_log')
    service.forget()
    const test = await run('run gmail_ingest_acct1 --test-table')
    expect([test.code, test.stderr]).to.deep.equal([0, ''])
    const again = await run('run gmail_ingest_acct1 --test-table --full --refetch')
    expect(again.code).to.equal(0)
    service.faults = ({path}) => (path === '/upload/jobs' ? failedJob('invalid', 'damaged') : undefined)
    const broken = await run('run gmail_ingest_acct1 --test-table --full --refetch')
    expect(broken.code).to.equal(1)
    const writes = service.seen.filter(isMutating)
    expect(writes.length).to.be.greaterThan(20)
    expect(writes.filter(namesProduction)).to.deep.equal([])
    expect(await keysIn('event_log')).to.equal(before)
  })

  for (const [signal, exit, what, fits] of [
    ['SIGINT', 130, 'a load', ({path}: SeenRequest) => path === '/upload/jobs'],
    ['SIGTERM', 143, 'its transaction', ({body}: SeenRequest) => body.includes('BEGIN TRANSACTION')],
  ] as const) {
    it(`ends with ${exit} on ${signal} within ${what} of a commit, and leaves no staging table and no lease`, async () => {
      await run('warehouse create')
      const held = Promise.withResolvers<void>()
      const released = Promise.withResolvers<void>()
      service.faults = once(
        (request) => {
          if (!fits(request)) return false
          held.resolve()
          return true
        },
        {until: released.promise},
      )
      const running = await startLorchestra(['run', 'gmail_ingest_acct1'], options())
      await held.promise
      expect((await temporaryTables()).filter((name) => name.includes('staging'))).to.not.deep.equal([])
      running.process.kill(signal)
      await untilStderrHas(running, 'is finished first')
      released.resolve()
      expect((await running.result).code).to.equal(exit)
      expect(await temporaryTables()).to.deep.equal([])
      const again = await run('run gmail_ingest_acct1')
      expect([again.code, again.stderr]).to.deep.equal([0, ''])
      expect(await keysIn('raw_objects')).to.be.greaterThan(0)
    })
  }

  it('takes an emulator from lorchestra.yaml and from nowhere else', async () => {
    await configure({api_endpoint: 'http://192.0.2.1:9050'})
    const elsewhere = await run('run gmail_ingest_acct1')
    expect([elsewhere.code, elsewhere.stdout]).to.deep.equal([2, ''])
    expect(elsewhere.stderr).to.include('plain http is for this machine only')
  })
})
