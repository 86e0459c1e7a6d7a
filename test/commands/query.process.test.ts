import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra} from '../support/cli.ts'
import {folderForEachTest} from '../support/folder.ts'
import {scriptedRun} from '../support/scripted-run.ts'
import {yielding} from '../support/warehouse-contract.ts'

const folder = folderForEachTest()
const run = async (...args: string[]) => {
  await writeFile(join(folder(), 'lorchestra.yaml'), 'warehouse: {type: duckdb, path: warehouse.duckdb}\n')
  return lorchestra(args, {cwd: folder()})
}
const many = yielding(...Array.from({length: 30}, (_, index) => ({id: `note ${index}`, text: 'a\u001B[2Jb'})))

describe('lorchestra query', () => {
  it('prints a table, shows control characters as codes, and tells where it was cut', async () => {
    await scriptedRun({source: many, folder: folder()})
    const sql = "SELECT external_id, payload->>'$.text' AS text FROM raw_objects ORDER BY external_id"
    const {code, stdout, stderr} = await run('query', sql, '--limit', '2')
    expect(code, stderr).to.equal(0)
    expect(stdout).to.equal('external_id  text\nnote 0       a\\u001b[2Jb\nnote 1       a\\u001b[2Jb\n')
    expect(stderr).to.include('There are more rows than these 2')
  })

  it('prints CSV as it is, and one document with --json', async () => {
    await scriptedRun({source: many, folder: folder(), mode: 'test-table'})
    const sql = 'SELECT external_id, 1 AS n FROM test_raw_objects ORDER BY external_id'
    expect((await run('query', sql, '--csv')).stdout).to.match(/^external_id,n\nnote 0,1\nnote 1,1\n/)
    const document = JSON.parse((await run('query', sql, '--json', '--limit', '1')).stdout) as object
    expect(document).to.deep.equal({
      schema: 1,
      warehouse: 'DuckDB',
      columns: [
        {name: 'external_id', type: 'VARCHAR'},
        {name: 'n', type: 'INTEGER'},
      ],
      rows: [['note 0', 1]],
      more_rows: true,
    })
  })

  it('takes a statement that begins with a comment', async () => {
    await scriptedRun({source: many, folder: folder()})
    const {code, stdout, stderr} = await run('query', '-- how many?\nSELECT count(*) AS n FROM raw_objects', '--csv')
    expect([code, stdout], stderr).to.deep.equal([0, 'n\n30\n'])
  })

  it('ends with 2 for whatever does not only read', async () => {
    await scriptedRun({source: many, folder: folder()})
    const {code, stdout, stderr} = await run('query', 'DELETE FROM raw_objects')
    expect([code, stdout]).to.deep.equal([2, ''])
    expect(stderr).to.match(/^Error: the query is refused: .*\[E_QUERY_INVALID\]\n {2}→ It takes one statement/)
  })
})

describe('lorchestra show', () => {
  const key = 'thing:scripted--acct1:a'

  it('shows a record with its digits, when and by which runs it was seen, and what the log says of it', async () => {
    const source = yielding({id: 'a', n: 1, text: '\u001B[2J', far: 'away'})
    await scriptedRun({source, folder: folder(), now: 86_400_000, runId: 'first'})
    const {code, stdout, stderr} = await run('show', key)
    expect(code, stderr).to.equal(0)
    expect(stdout).to.match(/^key +thing:scripted--acct1:a\nexternal id +a\ntable +raw_objects$/m)
    expect(stdout).to.match(/^first seen +1970-01-02T00:00:00.000Z \(first\)$/m)
    expect(stdout).to.include('\n{\n  "id": "a",\n  "n": 1,\n  "text": "\\u001b[2J",\n')
    const document = JSON.parse((await run('show', key, '--json')).stdout) as object
    expect(document).to.deep.include({table: 'raw_objects', external_id: 'a', first_run: 'first', events: []})
  })

  it('ends with 1 for a key that is not there, and says where it is or how keys begin', async () => {
    await scriptedRun({source: yielding({id: 'a'}), folder: folder(), mode: 'test-table'})
    const inTest = await run('show', key)
    expect([inTest.code, inTest.stdout]).to.deep.equal([1, ''])
    expect(inTest.stderr).to.include('[E_KEY_UNKNOWN]').and.include('pass --test-table')
    expect((await run('show', key, '--test-table')).code).to.equal(0)
    const nobody = await run('show', 'a', '--test-table')
    expect(nobody.code).to.equal(1)
    expect(nobody.stderr).to.include('thing:scripted--acct1:')
  })
})
