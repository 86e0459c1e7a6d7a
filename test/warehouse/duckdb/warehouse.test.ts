import {chmod, readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api'
import {expect} from 'chai'
import {spy, stub} from 'sinon'

import {LorchestraError, outcomeOf} from '../../../src/base/errors.ts'
import type {JsonObject} from '../../../src/source.ts'
import {CLOCK_TOLERANCE} from '../../../src/model/clock.ts'
import {change, query} from '../../support/database.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {DuckDBWarehouse} from '../../../src/warehouse/duckdb/warehouse.ts'
import {shiftClock} from '../../support/loop/shifted-clock.ts'
import {databaseIn, LOCK_TIMEOUT, PRODUCTION, scriptedRun, type ScriptedRun} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

const RAW_OBJECTS = `CREATE TABLE raw_objects (idem_key VARCHAR PRIMARY KEY, source_system VARCHAR NOT NULL,
  object_type VARCHAR NOT NULL, external_id VARCHAR, payload JSON NOT NULL,
  first_seen TIMESTAMPTZ NOT NULL, last_seen TIMESTAMPTZ NOT NULL`

const yielding = (...records: readonly JsonObject[]) =>
  scriptedSource(() => [], {
    async *extract() {
      yield await Promise.resolve({records})
    },
  })

const run = async (records: readonly JsonObject[], more: Partial<ScriptedRun> = {}) =>
  scriptedRun({source: yielding(...records), folder: folder(), now: DAY, request: {full: true}, ...more})

const failureOf = async (work: Promise<unknown>): Promise<LorchestraError> =>
  work.then(
    () => {
      throw new Error('it went well')
    },
    (error: unknown) => {
      if (error instanceof LorchestraError) return error
      throw error
    },
  )

describe('a database', () => {
  const modes = async (): Promise<object> =>
    Object.fromEntries(
      await Promise.all(
        (await readdir(folder()))
          .filter((name) => name !== 'spool')
          .map(async (name) => [name, ((await stat(join(folder(), name))).mode & 0o777).toString(8)]),
      ),
    ) as object
  const committedButNotCheckpointed = async (): Promise<void> => {
    const statements = stub(DuckDBConnection.prototype, 'run').callThrough()
    statements.withArgs('CHECKPOINT').rejects(new Error('the disk is full'))
    try {
      expect((await run([{id: 'a'}])).error).to.equal(undefined)
    } finally {
      statements.restore()
    }
  }

  if (process.platform !== 'win32') {
    it('that a run makes is for nobody else, nor what stands beside it', async () => {
      await committedButNotCheckpointed()
      expect(await modes()).to.deep.equal({
        'warehouse.duckdb': '600',
        'warehouse.duckdb.wal': '600',
        'warehouse.duckdb.metadata-backup': '600',
      })
    })

    it('that others may read keeps its mode', async () => {
      await run([{id: 'b'}])
      await chmod(databaseIn(folder()), 0o640)
      await committedButNotCheckpointed()
      expect(await modes()).to.include({'warehouse.duckdb': '640', 'warehouse.duckdb.wal': '640'})
    })
  }
})

describe('a test run', () => {
  for (const mode of ['test-table', 'production'] as const) {
    it(`throws away no commits that a database left in its .wal when it was moved away (${mode})`, async () => {
      const [file, wal] = [databaseIn(folder()), `${databaseIn(folder())}.wal`]
      await writeFile(wal, 'commits')
      const error = await failureOf(run([{id: 'a'}], {mode}))
      expect(error.message).to.contain(`${file} is not there, but ${wal} is`)
      expect(await readFile(wal, 'utf8')).to.equal('commits')
      expect((await readdir(folder())).filter((name) => name.startsWith('warehouse'))).to.deep.equal([
        'warehouse.duckdb.wal',
      ])
    })
  }

  it('uses up no number of a sequence of production', async () => {
    const numbered = `${RAW_OBJECTS}, number BIGINT DEFAULT nextval('prod_seq'))`
    await change(databaseIn(folder()), 'CREATE SEQUENCE prod_seq', numbered)
    const error = await failureOf(run([{id: 'a'}], {mode: 'test-table'}))
    expect(error.message).to.contain('prod_seq')
    expect((await run([{id: 'a'}])).error).to.equal(undefined)
    const rows = await query(databaseIn(folder()), 'SELECT number::INT AS number FROM raw_objects')
    expect(rows).to.deep.equal([{number: 1}])
  })
})

describe('a production table that another tool made', () => {
  it('keeps its own columns and what stands in them, also when a payload changes', async () => {
    await change(databaseIn(folder()), `${RAW_OBJECTS}, reviewed_by VARCHAR, stars INTEGER DEFAULT 3)`)
    await run([{id: 'a', text: 'old'}])
    await change(databaseIn(folder()), `UPDATE raw_objects SET reviewed_by = 'Ada'`)
    const {counts} = await run([{id: 'a', text: 'new'}, {id: 'b'}], {now: 2 * DAY})
    expect(counts).to.include({inserted: 1, updated: 1})
    const rows = await query(
      databaseIn(folder()),
      `SELECT external_id, reviewed_by, stars, payload->>'text' AS text, epoch_ms(first_seen)::INT AS first_seen
       FROM raw_objects ORDER BY external_id`,
    )
    expect(rows).to.deep.equal([
      {external_id: 'a', reviewed_by: 'Ada', stars: 3, text: 'new', first_seen: DAY},
      {external_id: 'b', reviewed_by: null, stars: 3, text: null, first_seen: 2 * DAY},
    ])
  })

  const refused: readonly [string, string, string][] = [
    [
      'lacks a column',
      RAW_OBJECTS.replace('external_id VARCHAR, ', '') + ')',
      'column external_id (VARCHAR) is missing',
    ],
    [
      'holds payloads as text',
      RAW_OBJECTS.replace('payload JSON', 'payload VARCHAR') + ')',
      'column payload is VARCHAR, not JSON',
    ],
    [
      'has a required column that is not ours',
      `${RAW_OBJECTS}, extra INT NOT NULL)`,
      "column extra is not lorchestra's and must allow NULL",
    ],
    [
      'allows a key to be missing',
      RAW_OBJECTS.replace('VARCHAR PRIMARY KEY', 'VARCHAR') + ')',
      'column idem_key must be NOT NULL',
    ],
  ]
  for (const [what, statement, difference] of refused) {
    it(`is refused, and left as it is, where it ${what}`, async () => {
      await change(databaseIn(folder()), statement)
      const before = await query(databaseIn(folder()), 'SELECT sql FROM duckdb_tables()')
      for (const mode of ['production', 'dry-run'] as const) {
        const report = run([{id: 'a'}], {mode})
        const error = mode === 'production' ? await failureOf(report) : (await report).error
        expect(outcomeOf(error)).to.equal('usage')
        expect((error as Error).message).to.include(difference)
      }
      expect(await query(databaseIn(folder()), 'SELECT sql FROM duckdb_tables()')).to.deep.equal(before)
    })
  }

  it('is accepted where columns that are always written are required', async () => {
    await change(databaseIn(folder()), RAW_OBJECTS.replace('external_id VARCHAR', 'external_id VARCHAR NOT NULL') + ')')
    expect((await run([{id: 'a'}])).counts.inserted).to.equal(1)
  })

  it('fails the run, with its rows untouched, where one key has several rows', async () => {
    await change(databaseIn(folder()), RAW_OBJECTS.replace('VARCHAR PRIMARY KEY', 'VARCHAR NOT NULL') + ')')
    const row = `('thing:scripted--acct1:a', 'scripted--acct1', 'thing', 'a', '{}', now(), now())`
    await change(databaseIn(folder()), `INSERT INTO raw_objects VALUES ${row}, ${row}`)
    const {error} = await run([{id: 'a'}])
    expect((error as Error).message).to.include('several rows for one idem_key')
    expect(await query(databaseIn(folder()), 'SELECT count(*)::INT AS rows FROM raw_objects')).to.deep.equal([
      {rows: 2},
    ])
  })
})

describe('a table of which most rows change', () => {
  const changeMost = async (more: Partial<ScriptedRun> = {}): Promise<void> => {
    const other = {...more, account: 'other', now: DAY}
    await run([{id: 'elsewhere'}], other)
    const most = (text: string): readonly JsonObject[] => ['a', 'b', 'c'].map((id) => ({id, text}))
    await run([...most('old'), {id: 'same'}, {id: 'not read'}], more)
    const {counts} = await run([...most('new'), {id: 'same'}, {id: 'd', text: 'new'}], {...more, now: 2 * DAY})
    expect(counts).to.include({inserted: 1, updated: 3, unchanged: 1})
  }
  const rowsAfterwards = [
    {external_id: 'a', text: 'new', first_seen: DAY, last_seen: 2 * DAY},
    {external_id: 'b', text: 'new', first_seen: DAY, last_seen: 2 * DAY},
    {external_id: 'c', text: 'new', first_seen: DAY, last_seen: 2 * DAY},
    {external_id: 'd', text: 'new', first_seen: 2 * DAY, last_seen: 2 * DAY},
    {external_id: 'elsewhere', text: null, first_seen: DAY, last_seen: DAY},
    {external_id: 'not read', text: null, first_seen: DAY, last_seen: DAY},
    {external_id: 'same', text: null, first_seen: DAY, last_seen: 2 * DAY},
  ]
  const rows = async () =>
    query(
      databaseIn(folder()),
      `SELECT external_id, payload->>'text' AS text, epoch_ms(first_seen)::INT AS first_seen,
              epoch_ms(last_seen)::INT AS last_seen
       FROM raw_objects ORDER BY external_id`,
    )

  const definition = async () =>
    query(databaseIn(folder()), `SELECT table_name, sql FROM duckdb_tables() WHERE sql LIKE '%payload JSON NOT%'`)
  const oid = async () =>
    query(databaseIn(folder()), `SELECT table_oid FROM duckdb_tables() WHERE sql LIKE '%payload JSON NOT%'`)

  it('is written anew, with all others, its name, its definition and one row for each key', async () => {
    const named = RAW_OBJECTS.replace('raw_objects', 'Raw_Objects')
    await change(databaseIn(folder()), `${named}, stars INTEGER DEFAULT 3 CHECK (stars < 6))`)
    const [before, oidBefore] = [await definition(), await oid()]
    await changeMost()
    expect(await rows()).to.deep.equal(rowsAfterwards)
    expect(await definition()).to.deep.equal(before)
    expect(await oid()).not.to.deep.equal(oidBefore)
    const again = change(databaseIn(folder()), 'INSERT INTO raw_objects SELECT * FROM raw_objects')
    expect(String(await again.catch((error: unknown) => error))).to.match(/violates primary key/)
  })

  const belongings: Readonly<Record<string, string>> = {
    'an index': 'CREATE INDEX of_users ON raw_objects (external_id)',
    'a comment': `COMMENT ON TABLE raw_objects IS 'ours'`,
    'a comment on a column': `COMMENT ON COLUMN raw_objects.payload IS 'ours'`,
    'a foreign key': 'CREATE TABLE review (about VARCHAR REFERENCES raw_objects (idem_key))',
  }
  for (const [what, statement] of Object.entries(belongings)) {
    it(`stays where it is where ${what} belongs to it`, async () => {
      await change(databaseIn(folder()), `${RAW_OBJECTS})`, statement)
      const belonging = async () =>
        query(
          databaseIn(folder()),
          `SELECT (SELECT list(sql) FROM duckdb_indexes()), (SELECT list(comment) FROM duckdb_tables()),
                  (SELECT list(comment) FROM duckdb_columns() WHERE table_name = 'raw_objects'),
                  (SELECT list(referenced_table) FROM duckdb_constraints())`,
        )
      await run([])
      const [before, oidBefore] = [await belonging(), await oid()]
      const place = {path: databaseIn(folder()), temporaryFolder: folder(), lockTimeout: LOCK_TIMEOUT}
      // A table of former payloads would give others new numbers.
      await changeMost({warehouse: () => new DuckDBWarehouse(place, new AbortController().signal, {undo: 0})})
      expect(await rows()).to.deep.equal(rowsAfterwards)
      expect(await belonging()).to.deep.equal(before)
      expect(await oid()).to.deep.equal(oidBefore)
    })
  }
})

describe('test tables', () => {
  const definitionOf = async (table: string): Promise<unknown> => {
    const [row] = await query(databaseIn(folder()), `SELECT sql FROM duckdb_tables() WHERE table_name = '${table}'`)
    return String(row?.['sql']).replace(/^[^(]*/, '')
  }

  it('are made with the exact definition of production', async () => {
    await change(
      databaseIn(folder()),
      `${RAW_OBJECTS}, stars INTEGER DEFAULT 3 CHECK (stars < 6), UNIQUE (external_id))`,
    )
    await run([{id: 'a'}], {mode: 'test-table'})
    expect(await definitionOf('test_raw_objects')).to.equal(await definitionOf('raw_objects'))
    expect(await query(databaseIn(folder()), 'SELECT count(*)::INT AS rows FROM raw_objects')).to.deep.equal([
      {rows: 0},
    ])
  })

  it('come from the built-in definition where there is no production, which is not made', async () => {
    await run([{id: 'a'}], {mode: 'test-table'})
    const names = await query(databaseIn(folder()), 'SELECT table_name FROM duckdb_tables() ORDER BY 1')
    expect(names.map((row) => row['table_name'])).to.deep.equal(['test_event_log', 'test_raw_objects'])
    const test = await definitionOf('test_raw_objects')
    await run([{id: 'a'}])
    expect(await definitionOf('raw_objects')).to.equal(test)
  })

  it('of another definition are refused, and nothing is written', async () => {
    await run([{id: 'a'}])
    await change(databaseIn(folder()), RAW_OBJECTS.replace('raw_objects', 'test_raw_objects') + ', extra INT)')
    const error = await failureOf(run([{id: 'b'}], {mode: 'test-table'}))
    expect(outcomeOf(error)).to.equal('usage')
    expect(error.message)
      .to.include('test_raw_objects has another definition than raw_objects')
      .and.include('extra INTEGER')
    expect(error.next).to.include('DROP TABLE test_raw_objects')
    expect(await query(databaseIn(folder()), 'SELECT count(*)::INT AS rows FROM test_raw_objects')).to.deep.equal([
      {rows: 0},
    ])
    expect(
      await query(databaseIn(folder()), `SELECT 1 FROM duckdb_tables() WHERE table_name = 'test_event_log'`),
    ).to.deep.equal([])
  })
})

describe('payloads', () => {
  const roundTrip = async (payload: JsonObject): Promise<unknown> => {
    await run([{id: 'a', ...payload}])
    const [row] = await query(databaseIn(folder()), 'SELECT payload FROM raw_objects')
    return JSON.parse(String(row?.['payload']))
  }

  it('come back equal as JSON values', async () => {
    const payload = {
      separators: 'a\u2028b\u2029c\nd\r\n',
      nothing: null,
      nul: 'a\u0000b',
      emoji: '👩‍🚀',
      empty: {},
      '': 'empty name',
      nested: [[[{deep: [1.5, -0.25, 1e21, 1e-7]}]]],
      quote: `'"\\`,
      large: 9_007_199_254_740_991,
    }
    expect(await roundTrip(payload)).to.deep.equal({id: 'a', ...payload})
    const again = await run([{id: 'a', ...payload}], {now: 2 * DAY})
    expect(again.counts).to.include({unchanged: 1, updated: 0})
  })

  it('never stand in an error', async () => {
    await change(
      databaseIn(folder()),
      RAW_OBJECTS.replace('payload JSON NOT NULL', `payload JSON NOT NULL CHECK (payload->>'id' = 'b')`) + ')',
    )
    const {error} = await run([{id: 'a', diagnosis: 'secret-illness'}])
    expect(outcomeOf(error)).to.equal('failed')
    expect(String((error as Error).stack))
      .to.include('Constraint Error')
      .and.not.include('secret-illness')
  })
})

describe('a reject', () => {
  it('is open where a clock that was behind has told it, although the record was stored before by one that was right', async () => {
    await run([{id: 'a'}], {now: Date.now()})
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        reject('thing:scripted--acct1:a', 'it is bad now')
        yield {records: []}
      },
    })
    shiftClock(60_000 - CLOCK_TOLERANCE)
    try {
      await run([], {source, now: Date.now()})
    } finally {
      shiftClock(0)
    }
    const warehouse = new DuckDBWarehouse(
      {path: databaseIn(folder()), temporaryFolder: join(folder(), 'spool'), lockTimeout: LOCK_TIMEOUT},
      new AbortController().signal,
    )
    const rejects = await warehouse.readRejects(PRODUCTION, {of: {job: 'job'}, closedToo: false, limit: 10})
    expect(rejects?.map(({reference}) => reference)).to.deep.equal(['thing:scripted--acct1:a'])
  })
})

describe('a DuckDB file', () => {
  it('is opened twice by a run with nothing new, to take the stream and to end, and is whole in between', async () => {
    await run([{id: 'a'}])
    const opened = spy(DuckDBInstance, 'create')
    const files: string[][] = []
    try {
      const source = scriptedSource(() => [], {
        async *extract() {
          files.push((await readdir(folder())).filter((name) => name.includes('.duckdb')))
          yield await Promise.resolve({records: []})
        },
      })
      const {error, counts} = await scriptedRun({source, folder: folder(), now: 2 * DAY})
      expect(error).to.equal(undefined)
      expect(counts.extracted).to.equal(0)
      expect(opened.callCount).to.equal(2)
      expect(files.flat().filter((name) => !name.endsWith('.lives'))).to.deep.equal(['warehouse.duckdb'])
    } finally {
      opened.restore()
    }
  })

  it('that is no database is an error that says so, and stays as it is', async () => {
    await writeFile(databaseIn(folder()), 'precious notes, not a database')
    const error = await failureOf(run([{id: 'a'}]))
    expect(error.message).to.include('is not a DuckDB database')
    expect(await readFile(databaseIn(folder()), 'utf8')).to.equal('precious notes, not a database')
  })
})
