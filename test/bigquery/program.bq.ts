import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {startEmulator, query, PROJECT, type Emulator} from '../support/bigquery/emulator.ts'
import {lorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {startGmailServer, type GmailServer} from '../support/gmail-server.ts'
import {mailbox} from '../support/mailbox.ts'

const MESSAGES = 24

describe('the program on BigQuery', () => {
  let emulator: Emulator
  let gmail: GmailServer
  let dataset: string
  let folder: string
  before(async () => {
    emulator = await startEmulator()
    gmail = await startGmailServer(mailbox(MESSAGES, {now: new Date()}))
  })
  after(async () => {
    await gmail.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    dataset = await emulator.createDataset()
    folder = await temporaryFolder()
    await configure({})
  })

  const configure = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    const warehouse = {type: 'bigquery', project: PROJECT, dataset, api_endpoint: emulator.url, ...settings}
    const lines = Object.entries(warehouse).map(([key, value]) => `  ${key}: ${value}\n`)
    const jobs = 'jobs:\n  gmail_ingest_acct1:\n    account: acct1\n'
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      `warehouse:\n${lines.join('')}accounts:\n${gmail.accountYaml}${jobs}`,
    )
  }
  const run = async (line: string): Promise<CliResult> =>
    lorchestra(line.split(' '), {cwd: folder, env: {PATH: process.env['PATH'] ?? '', ...gmail.env}})
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

  it('takes an emulator from lorchestra.yaml and from nowhere else', async () => {
    await configure({api_endpoint: 'http://192.0.2.1:9050'})
    const elsewhere = await run('run gmail_ingest_acct1')
    expect([elsewhere.code, elsewhere.stdout]).to.deep.equal([2, ''])
    expect(elsewhere.stderr).to.include('plain http is for this machine only')
  })
})
