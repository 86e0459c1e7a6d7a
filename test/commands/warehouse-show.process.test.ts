import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra} from '../support/cli.ts'
import {folderForEachTest} from '../support/folder.ts'
import {scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const folder = folderForEachTest()
const source = scriptedSource(() => [{id: 'one', at: 0}])
const show = async (...args: string[]) => {
  await writeFile(join(folder(), 'lorchestra.yaml'), 'warehouse: {type: duckdb, path: warehouse.duckdb}\n')
  return lorchestra(['warehouse', 'show', ...args], {cwd: folder()})
}

describe('lorchestra warehouse show', () => {
  it('shows both tables of production and test, with rows, and how far each stream is covered', async () => {
    await scriptedRun({source, folder: folder(), job: 'things', now: 86_400_000})
    const {code, stdout} = await show()
    expect(code).to.equal(0)
    expect(stdout).to.match(/^raw_objects +1 /m)
    expect(stdout).to.match(/^test_raw_objects +not there /m)
    expect(stdout).to.match(/^things .* \S+Z +everything before 1970-01-02T00:00:00.000Z$/m)
  })

  it('is one document with --json', async () => {
    await scriptedRun({source, folder: folder(), job: 'things', mode: 'test-table'})
    const {production, test_table: test} = JSON.parse((await show('--json')).stdout) as Record<
      'production' | 'test_table',
      {tables: {exists: boolean; rows: number | null}[]; streams: {job: string}[]}
    >
    expect(production.tables.map(({exists}) => exists)).to.deep.equal([false, false])
    expect(test.tables.map(({rows}) => rows)).to.deep.equal([4, 1])
    expect(test.streams.map(({job}) => job)).to.deep.equal(['things'])
  })

  it('makes no database where there is none', async () => {
    const {code, stdout} = await show()
    expect(code).to.equal(0)
    expect(stdout).to.match(/^event_log +not there /m)
    expect((await show()).stdout).to.equal(stdout)
  })
})
