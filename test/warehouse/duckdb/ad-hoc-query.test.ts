import {readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {LorchestraError} from '../../../src/base/errors.ts'
import {change} from '../../support/database.ts'
import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {allRows, describeQueries, refusalOf} from '../../support/query-contract.ts'
import {databaseIn} from '../../support/scripted-run.ts'
import {yielding} from '../../support/warehouse-contract.ts'

describe('a query of a DuckDB file', () => {
  const folder = folderForEachTest()
  const underTest = () => duckDBUnderTest(folder())
  const errorOf = async (sql: string): Promise<LorchestraError> =>
    underTest()
      .open()
      .query({sql, rows: 1})
      .then(
        () => {
          throw new Error('it was answered')
        },
        (error: unknown) => {
          if (error instanceof LorchestraError) return error
          throw error
        },
      )

  describe('is answered, and', () => {
    describeQueries(underTest, [
      "SELECT * FROM read_text('/etc/hosts')",
      "SELECT * FROM glob('/*')",
      "SELECT * FROM 'records.csv'",
      "SELECT * FROM 'https://example.org/records.csv'",
      "ATTACH 'other.duckdb' AS other",
      "COPY raw_objects TO 'out.csv'",
      "COPY (SELECT 1) TO '/dev/stdout'",
      'INSTALL httpfs',
      'LOAD httpfs',
      'SET enable_external_access = true',
      'CREATE TEMP TABLE t AS SELECT 1',
      "EXPORT DATABASE 'out'",
      'CALL duckdb_settings()',
      'CHECKPOINT',
    ])
  })

  it('leaves not a byte beside the file or in it, and no rows where it kept them', async () => {
    await underTest().run({source: yielding({id: 'a'})})
    const content = await readFile(databaseIn(folder()))
    const before = await readdir(folder())
    const answer = await underTest().open().query({sql: 'SELECT * FROM raw_objects', rows: 10})
    expect(await readdir(folder())).to.deep.equal(before)
    expect(await allRows(answer)).to.have.length(1)
    expect(await readFile(databaseIn(folder()))).to.deep.equal(content)
  })

  it('has closed the file before anybody has looked at the rows', async () => {
    await underTest().run({source: yielding({id: 'a'}, {id: 'b'})})
    const answer = await underTest().open().query({sql: 'SELECT idem_key FROM raw_objects ORDER BY 1', rows: 10})
    await change(databaseIn(folder()), 'DELETE FROM raw_objects')
    expect(await allRows(answer)).to.deep.equal([['thing:scripted--acct1:a'], ['thing:scripted--acct1:b']])
  })

  it('gives many rows in pages, in their order', async () => {
    await underTest().run({source: yielding({id: 'a'})})
    const sql = "SELECT range AS n, repeat('\u2028x', 2000) AS text FROM range(12345) ORDER BY n"
    const {pages} = await underTest().open().query({sql, rows: 10_001})
    let rows = 0
    for await (const page of pages) {
      expect(page.length).to.be.at.most(1050)
      for (const [n, text] of page) {
        expect(n).to.equal(rows)
        expect(String(text).length).to.equal(4000)
        rows += 1
      }
    }
    expect(rows).to.equal(10_001)
  })

  it('ends at once when it is told to', async () => {
    await underTest().run({source: yielding({id: 'a'})})
    const stop = new AbortController()
    const endless = 'SELECT sum(a.range * b.range) FROM range(10000000) AS a, range(1000000) AS b'
    const asked = underTest().open(stop.signal).query({sql: endless, rows: 1})
    setTimeout(() => stop.abort(new Error('stopped by hand')), 300)
    expect(await asked.catch((error: unknown) => String(error))).to.equal('Error: stopped by hand')
  })

  it('tells nothing of a value that cannot be converted', async () => {
    await underTest().run({source: yielding({id: 'a', secret: 'hunter2hunter2'})})
    const {message} = await errorOf("SELECT (payload->>'$.secret')::INTEGER FROM raw_objects")
    expect(message).to.match(/^DuckDB: Conversion Error/)
    expect(message).to.not.include('hunter2')
  })

  it('is refused where there is no database, and makes none', async () => {
    expect((await errorOf('SELECT 1')).code).to.equal('E_TABLE_MISSING')
    expect(await readdir(folder())).to.deep.equal([])
  })

  it('reaches no file that lies beside the database', async () => {
    await underTest().run({source: yielding({id: 'a'})})
    await writeFile(join(folder(), 'notes.csv'), 'a\n1\n')
    expect(await refusalOf(underTest(), `SELECT * FROM '${join(folder(), 'notes.csv')}'`)).to.include('disabled')
  })
})
