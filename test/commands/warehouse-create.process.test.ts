import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {query} from '../support/database.ts'

describe('lorchestra warehouse create', () => {
  let folder: string
  beforeEach(async () => (folder = await temporaryFolder()))

  const create = async (warehouse: string, env: Readonly<Record<string, string>> = {}): Promise<CliResult> => {
    await writeFile(join(folder, 'lorchestra.yaml'), `warehouse: ${warehouse}\njobs: {job: {source: gmail}}\n`)
    // Some build machines have credentials of their own.
    return lorchestra(['warehouse', 'create'], {cwd: folder, env: {METADATA_SERVER_DETECTION: 'none', ...env}})
  }

  it('makes the tables of a DuckDB file, once', async () => {
    const first = await create('{type: duckdb, path: w.duckdb, raw_objects: things}')
    expect([first.code, first.stdout]).to.deep.equal([0, 'event_log: created\nthings: created\n'])
    const second = await create('{type: duckdb, path: w.duckdb, raw_objects: things}')
    expect([second.code, second.stdout]).to.deep.equal([0, 'event_log: already there\nthings: already there\n'])
    const [row] = await query(join(folder, 'w.duckdb'), 'SELECT count(*)::INT AS rows FROM things')
    expect(row).to.deep.equal({rows: 0})
  })

  const BIGQUERY = '{type: bigquery, project: p, dataset: d}'

  it('says what to do where there are no credentials for BigQuery', async () => {
    const {code, stderr} = await create(BIGQUERY)
    expect(code).to.equal(1)
    expect(stderr).to.include('no Google Cloud credentials').and.include('gcloud auth application-default login')
  })

  it('names a credentials file that is not there, also one of .env', async () => {
    await writeFile(join(folder, '.env'), 'GOOGLE_APPLICATION_CREDENTIALS=absent.json\n')
    const {code, stderr} = await create(BIGQUERY)
    expect(code).to.equal(1)
    expect(stderr).to.include('the file absent.json').and.include('is not there')
  })

  for (const [what, text, said] of [
    ['no JSON', '{"private_key":"not-to-be-told', 'does not hold Google Cloud credentials'],
    [
      'a broken key',
      '{"type":"service_account","client_email":"a@b","private_key":"not-to-be-told"}',
      'credentials are malformed',
    ],
  ] as const) {
    it(`quotes nothing of a credentials file with ${what}`, async () => {
      await writeFile(join(folder, 'key.json'), text)
      const {code, stderr} = await create(BIGQUERY, {GOOGLE_APPLICATION_CREDENTIALS: 'key.json', DEBUG: '*'})
      expect(code).to.equal(1)
      expect(stderr).to.include(said).and.not.include('not-to-be-told')
    })
  }

  it('sends a dry run that needs no warehouse to --since', async () => {
    await create(BIGQUERY)
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      `warehouse: ${BIGQUERY}\naccounts: {a: {source: gmail, client_id: i, client_secret: s, refresh_token: t}}\njobs: {job: {account: a}}\n`,
    )
    const {code, stderr} = await lorchestra(['run', 'job', '--dry-run'], {
      cwd: folder,
      env: {METADATA_SERVER_DETECTION: 'none'},
    })
    expect(code).to.equal(1)
    expect(stderr).to.include('no Google Cloud credentials').and.include('Pass --since to dry-run without a warehouse')
  })
})
