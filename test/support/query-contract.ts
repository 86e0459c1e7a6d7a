import {expect} from 'chai'

import {LorchestraError} from '../../src/base/errors.ts'
import type {AdHocAnswer, AdHocRow} from '../../src/warehouse/ad-hoc-query.ts'
import {DAY, yielding, type WarehouseUnderTest} from './warehouse-contract.ts'

export const allRows = async ({pages}: AdHocAnswer): Promise<readonly AdHocRow[]> => {
  const rows: AdHocRow[] = []
  for await (const page of pages) rows.push(...page)
  return rows
}

/** Gives why a query was refused. */
export const refusalOf = async (warehouse: WarehouseUnderTest, sql: string): Promise<string> =>
  warehouse
    .open()
    .query({sql, rows: 10})
    .then(
      () => 'it was answered',
      (error: unknown) => {
        if (!(error instanceof LorchestraError) || error.code !== 'E_QUERY_INVALID') throw error
        expect(error.outcome).to.equal('usage')
        return error.message
      },
    )

/** What every warehouse that knows SQL promises to whoever asks it. `refused` are statements of its own kind. */
export function describeQueries(warehouse: () => WarehouseUnderTest, refused: readonly string[]): void {
  const ask = async (sql: string, rows = 1000) => {
    const answer = await warehouse().open().query({sql, rows})
    return {columns: answer.columns.map(({name}) => name), rows: await allRows(answer)}
  }

  beforeEach(async () => {
    const source = yielding({id: 'a', n: 1, text: 'x;\u2028y'}, {id: 'b', n: 2}, {id: 'c', n: 3})
    expect((await warehouse().run({source, now: DAY})).error).to.equal(undefined)
  })

  it('answers with the columns and rows of a SELECT, by the configured names of the tables', async () => {
    const {columns, rows} = await ask('SELECT idem_key, first_seen FROM raw_objects ORDER BY idem_key')
    expect(columns).to.deep.equal(['idem_key', 'first_seen'])
    expect(rows).to.deep.equal(['a', 'b', 'c'].map((id) => [`thing:scripted--acct1:${id}`, '1970-01-02T00:00:00.000Z']))
    const sql = '-- how many\nWITH all_rows AS (SELECT * FROM raw_objects) SELECT COUNT(*) AS n FROM all_rows;'
    expect(await ask(sql)).to.deep.equal({columns: ['n'], rows: [[3]]})
    expect((await ask('SELECT idem_key FROM raw_objects WHERE FALSE')).rows).to.deep.equal([])
  })

  it('gives no more rows than it was asked for', async () => {
    expect((await ask('SELECT idem_key FROM raw_objects', 2)).rows).to.have.length(2)
  })

  it('gives every value as it is: digits, truth, nothing, lists, and the text of JSON', async () => {
    const {rows} = await ask(
      `SELECT 9223372036854775807 AS wide, 1.5 AS f, TRUE AS yes, NULL AS nothing, [1, 2] AS list,
              'a;\u2028' AS text, payload
       FROM raw_objects WHERE idem_key LIKE '%:a'`,
    )
    const [wide, f, yes, nothing, list, text, payload] = rows[0] ?? []
    expect([wide, Number(f), yes, nothing, list, text]).to.deep.equal([
      '9223372036854775807',
      1.5,
      true,
      null,
      [1, 2],
      'a;\u2028',
    ])
    expect(JSON.parse(String(payload))).to.deep.equal({id: 'a', n: 1, text: 'x;\u2028y'})
  })

  it('says what is wrong with a statement', async () => {
    expect(await refusalOf(warehouse(), 'SELECT no_such_column FROM raw_objects')).to.include('no_such_column')
    expect(await refusalOf(warehouse(), 'SELECT * FROM no_such_table')).to.include('no_such_table')
    expect(await refusalOf(warehouse(), 'SELEKT 1')).to.match(/refused: ./)
  })

  for (const sql of [
    'DELETE FROM raw_objects WHERE TRUE',
    'DROP TABLE raw_objects',
    'CREATE TABLE copied AS SELECT * FROM raw_objects',
    'SELECT 1; DROP TABLE raw_objects',
    "SELECT 1 AS `a'b`; DROP TABLE raw_objects; SELECT 'x'",
    "SELECT 1 -- it's\n; DROP TABLE raw_objects -- it's",
    "SELECT 1 /* ' */; DROP TABLE raw_objects /* ' */",
    "SELECT 1 -- a\r'''\n; DROP TABLE raw_objects; -- '''",
    "INSERT INTO event_log (event_id) VALUES ('x')",
    'BEGIN TRANSACTION',
    '',
    ...refused,
  ]) {
    it(`refuses ${JSON.stringify(sql)}, and everything stays as it is`, async () => {
      const before = [await warehouse().stored(), await warehouse().tables()]
      expect(await refusalOf(warehouse(), sql)).to.match(/^the query is refused: ./)
      expect([await warehouse().stored(), await warehouse().tables()]).to.deep.equal(before)
    })
  }
}
