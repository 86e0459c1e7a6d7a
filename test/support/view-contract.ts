import {expect} from 'chai'

import {LorchestraError} from '../../src/base/errors.ts'
import {knownSchema} from '../../src/run/record-shapes.ts'
import {viewColumns, VIEW_HEAD, type ViewColumn} from '../../src/warehouse/view-columns.ts'
import {allRows} from './query-contract.ts'
import {PRODUCTION} from './scripted-run.ts'
import {DAY, yielding, type WarehouseUnderTest} from './warehouse-contract.ts'

export interface ViewsUnderTest extends WarehouseUnderTest {
  /** Past everything of ours. */
  makeView(name: string, select: string): Promise<void>
}

const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
const scope = {job: 'job', account: 'acct1', selection: 'all', stream}

const FIRST = {
  id: 'a',
  n: 9007199254740991,
  f: 0.5,
  yes: true,
  at: '2024-02-03T04:05:06.789Z',
  none: null,
  list: [1],
  address: {city: 'Rome', 'zip code': '00100', geo: {lat: 41.9}},
  'x/y~z ü': 'odd',
  '@odata.etag': 'W/1',
}
const SECOND = {...FIRST, id: 'b', n: null, f: 2, yes: false, address: null, mixed: 'one'}
const THIRD = {...FIRST, id: 'c', mixed: 1}

/** What every warehouse that knows SQL promises of its views. */
export function describeViews(warehouse: () => ViewsUnderTest): void {
  beforeEach(async () => {
    const {error} = await warehouse().run({source: yielding(FIRST, SECOND, THIRD), now: DAY})
    expect(error).to.equal(undefined)
  })

  const columns = async (): Promise<readonly ViewColumn[]> => {
    const [state] = await warehouse().open().readStreamStates(PRODUCTION, [scope])
    return viewColumns(knownSchema(state?.schema ?? []).facts())
  }
  const sqlOf = async (of: readonly ViewColumn[]) =>
    warehouse().open().viewSql({tables: PRODUCTION, stream, columns: of})
  const ask = async (sql: string) => allRows(await warehouse().open().query({sql, rows: 100}))
  const refusalOf = async (name: string): Promise<string> => {
    const {select} = await sqlOf(await columns())
    const error: unknown = await warehouse()
      .open()
      .createView(name, select)
      .catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(LorchestraError)
    expect((error as LorchestraError).code).to.equal('E_NAME_TAKEN')
    return (error as LorchestraError).message
  }

  it('shows each member in a column of its type, whatever it is called', async () => {
    const {select} = await sqlOf(await columns())
    expect(await warehouse().open().createView('things', select)).to.equal(false)
    const {columns: found, pages} = await warehouse()
      .open()
      .query({sql: 'SELECT * FROM things ORDER BY idem_key', rows: 9})
    const rows = await allRows({columns: found, pages})
    const shown = rows.map((row) => Object.fromEntries(found.map(({name}, index) => [name, row[index]])))
    expect(Object.keys(shown[0] ?? {}).slice(0, 4)).to.deep.equal(VIEW_HEAD)
    expect(shown[0]).to.deep.include({
      external_id: 'a',
      id: 'a',
      n: 9007199254740991,
      f: 0.5,
      yes: true,
      at: '2024-02-03T04:05:06.789Z',
      address__city: 'Rome',
      address__zip_code: '00100',
      address__geo__lat: 41.9,
      x_y_z__: 'odd',
      _odata_etag: 'W/1',
      list: '[1]',
      mixed: null,
    })
    expect(shown[1]).to.deep.include({n: null, f: 2, yes: false, address__city: null, mixed: '"one"'})
    expect(shown[2]).to.deep.include({mixed: '1'})
  })

  it('loses nothing of what the schema knows, and counts what another type would lose', async () => {
    const known = await columns()
    const [none] = await ask((await sqlOf(known)).losses)
    expect(none?.map(Number)).to.deep.equal(known.map(() => 0))
    const wrong: readonly ViewColumn[] = [
      {name: 'f', path: '/f', type: 'integer'},
      {name: 'id', path: '/id', type: 'timestamp'},
      {name: 'address', path: '/address', type: 'text'},
      {name: 'gone', path: '/gone', type: 'integer'},
      {name: 'mixed', path: '/mixed', type: 'json'},
    ]
    const [lost] = await ask((await sqlOf(wrong)).losses)
    // DuckDB writes an object as text, which is all that it was; BigQuery makes it NULL.
    expect([lost?.[0], lost?.[1], lost?.[3], lost?.[4]].map(Number)).to.deep.equal([2, 3, 0, 0])
  })

  it('is renewed where lorchestra made it, and leaves alone what is somebody else’s', async () => {
    const {select} = await sqlOf(await columns())
    await warehouse().open().createView('things', select)
    expect(
      await warehouse()
        .open()
        .createView('things', (await sqlOf([])).select),
    ).to.equal(true)
    expect((await ask('SELECT * FROM things'))[0]).to.have.length(4)
    await warehouse().makeView('theirs', 'SELECT 1 AS one')
    expect(await refusalOf('theirs')).to.include('somebody else')
    expect(await ask('SELECT * FROM theirs')).to.deep.equal([[1]])
    const before = await warehouse().stored()
    expect(await refusalOf('raw_objects')).to.include('a table')
    expect(await warehouse().stored()).to.deep.equal(before)
  })

  it('stands in the way of no run', async () => {
    await warehouse()
      .open()
      .createView('things', (await sqlOf(await columns())).select)
    const changed = yielding(...[FIRST, SECOND, THIRD].map((one) => ({...one, f: 7})))
    const {error, counts} = await warehouse().run({source: changed, now: 2 * DAY, request: {full: true}})
    expect([error, counts.updated]).to.deep.equal([undefined, 3])
    expect(await ask('SELECT f FROM things')).to.deep.equal([[7], [7], [7]])
  })
}
