import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {change, query} from '../support/database.ts'

describe('lorchestra warehouse create', () => {
  let folder: string
  beforeEach(async () => (folder = await temporaryFolder()))

  const create = async (
    warehouse: string,
    env: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
  ): Promise<CliResult> => {
    await writeFile(join(folder, 'lorchestra.yaml'), `warehouse: ${warehouse}\njobs: {job: {source: gmail}}\n`)
    // Some build machines have credentials of their own.
    const environment = {METADATA_SERVER_DETECTION: 'none', ...env}
    return lorchestra(['warehouse', 'create', ...flags], {cwd: folder, env: environment})
  }

  it('makes the tables of a DuckDB file, once', async () => {
    const first = await create('{type: duckdb, path: w.duckdb, raw_objects: things}')
    expect([first.code, first.stdout]).to.deep.equal([0, 'event_log: created\nthings: created\n'])
    const second = await create('{type: duckdb, path: w.duckdb, raw_objects: things}')
    expect([second.code, second.stdout]).to.deep.equal([0, 'event_log: already there\nthings: already there\n'])
    const [row] = await query(join(folder, 'w.duckdb'), 'SELECT count(*)::INT AS rows FROM things')
    expect(row).to.deep.equal({rows: 0})
  })

  it('gives no log an end where there are no partitions, nor one that is not a time', async () => {
    for (const [retention, says] of [
      ['400d', 'DuckDB has no partitions'],
      ['ever', 'ever'],
    ] as const) {
      const {code, stderr} = await create('{type: duckdb, path: w.duckdb}', {}, ['--log-retention', retention])
      expect([code, stderr.includes(says)]).to.deep.equal([2, true], stderr)
    }
  })

  describe('--add-columns', () => {
    const DUCKDB = '{type: duckdb, path: w.duckdb}'
    const add = async (...flags: readonly string[]) => create(DUCKDB, {}, ['--add-columns', ...flags])
    const EVENT_LOG = `(event_id VARCHAR NOT NULL, event_type VARCHAR NOT NULL, source_system VARCHAR NOT NULL,
      object_type VARCHAR, idem_key VARCHAR, correlation_id VARCHAR, created_at TIMESTAMPTZ NOT NULL,
      status VARCHAR NOT NULL, payload JSON)`
    const RAW_OBJECTS = `(idem_key VARCHAR PRIMARY KEY, source_system VARCHAR NOT NULL, object_type VARCHAR NOT NULL,
      payload JSON NOT NULL, first_seen TIMESTAMPTZ NOT NULL, last_seen TIMESTAMPTZ NOT NULL, ours INTEGER DEFAULT 3)`
    const make = async (...tables: readonly string[]) =>
      change(join(folder, 'w.duckdb'), ...tables.map((table) => `CREATE TABLE ${table}`))
    const columnsOf = async (table: string): Promise<readonly unknown[]> => {
      const rows = await query(
        join(folder, 'w.duckdb'),
        `SELECT column_name, is_nullable FROM duckdb_columns() WHERE table_name = '${table}' ORDER BY column_index`,
      )
      return rows.map((row) => `${String(row['column_name'])}${row['is_nullable'] === true ? '?' : ''}`)
    }

    it('is asked for where tables lack columns, which are left as they are without it', async () => {
      await make(`event_log ${EVENT_LOG}`, `raw_objects ${RAW_OBJECTS}`)
      const before = await columnsOf('raw_objects')
      const {code, stdout, stderr} = await create(DUCKDB)
      expect([code, stdout]).to.deep.equal([2, ''])
      expect(stderr)
        .to.include('column trace_id (VARCHAR) is missing; column error_message (VARCHAR) is missing')
        .and.include('lorchestra warehouse create --add-columns')
      expect(await columnsOf('raw_objects')).to.deep.equal(before)
    })

    it('adds what production and test tables lack, says so, and keeps what is in them', async () => {
      await make(`event_log ${EVENT_LOG}`, `raw_objects ${RAW_OBJECTS}`, `test_raw_objects ${RAW_OBJECTS}`)
      await change(
        join(folder, 'w.duckdb'),
        `INSERT INTO raw_objects VALUES ('a:b:c', 'b', 'a', '{"kept": true}', now(), now(), 7)`,
      )
      const {code, stdout} = await add()
      expect([code, stdout.split('\n')]).to.deep.equal([
        0,
        [
          'event_log: already there, added trace_id, error_message',
          'raw_objects: already there, added external_id',
          'test_raw_objects: already there, added external_id',
          '',
        ],
      ])
      expect((await columnsOf('event_log')).slice(-2)).to.deep.equal(['trace_id?', 'error_message?'])
      expect((await columnsOf('raw_objects')).slice(-2)).to.deep.equal(['ours?', 'external_id?'])
      expect(await columnsOf('test_raw_objects')).to.deep.equal(await columnsOf('raw_objects'))
      expect(await query(join(folder, 'w.duckdb'), 'SELECT external_id, ours, payload FROM raw_objects')).to.deep.equal(
        [{external_id: null, ours: 7, payload: '{"kept": true}'}],
      )
      const again = await add()
      expect([again.code, again.stdout]).to.deep.equal([0, 'event_log: already there\nraw_objects: already there\n'])
    })

    it('is one document with --json, and makes the tables that are missing', async () => {
      await make(`raw_objects ${RAW_OBJECTS}`)
      const {code, stdout} = await add('--json')
      expect([code, JSON.parse(stdout)]).to.deep.equal([
        0,
        {
          schema: 1,
          warehouse: 'DuckDB',
          tables: [
            {name: 'event_log', created: true, added_columns: []},
            {name: 'raw_objects', created: false, added_columns: ['external_id']},
          ],
        },
      ])
    })

    it('adds nothing to any table where one differs in more than that', async () => {
      const required = RAW_OBJECTS.replace('object_type VARCHAR NOT NULL,', '')
      await make(`event_log ${EVENT_LOG}`, `raw_objects ${RAW_OBJECTS}`, `test_raw_objects ${required}`)
      const before = await columnsOf('event_log')
      const {code, stderr} = await add()
      expect(code).to.equal(2)
      expect(stderr)
        .to.include(
          'the table test_raw_objects is not one that lorchestra can write: column object_type (VARCHAR) is missing',
        )
        .and.not.include('--add-columns')
      expect(await columnsOf('event_log')).to.deep.equal(before)
    })

    it('makes the file and its tables where there is none', async () => {
      const {code, stdout} = await add()
      expect([code, stdout]).to.deep.equal([0, 'event_log: created\nraw_objects: created\n'])
    })
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
