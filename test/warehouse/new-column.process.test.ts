import {join} from 'node:path'

import {expect} from 'chai'

import {query} from '../support/database.ts'
import type * as DuckDBUnderTest from '../support/duckdb-under-test.ts'
import {folderForEachTest} from '../support/folder.ts'
import {copyWithColumns, copyWithLabels, describeNewColumn, LABEL} from '../support/new-column-contract.ts'
import {PACKAGE, runNode} from '../support/package-copy.ts'
import type * as RunApart from '../support/run-apart.ts'
import {databaseIn} from '../support/scripted-run.ts'

describe('a column that is new in the definition of raw_objects', () => {
  const folder = folderForEachTest()

  describe('on DuckDB', () => {
    describeNewColumn(() => ({
      folder: folder(),
      open: async (root) => {
        const {duckDBUnderTest} = (await import(
          join(root, 'test/support/duckdb-under-test.ts')
        )) as typeof DuckDBUnderTest
        return duckDBUnderTest(folder()).open()
      },
      run: async (root, run) => {
        const {runApart} = (await import(join(root, 'test/support/run-apart.ts'))) as typeof RunApart
        const [ended = {outcome: 'missing', message: ''}] = await runApart([{...run, folder: folder()}])
        return ended
      },
      rows: async (table, columns) => {
        const rows = await query(
          databaseIn(folder()),
          `SELECT ${columns.join(', ')} FROM ${table} ORDER BY external_id`,
        )
        return rows.map((row) => columns.map((column) => row[column]))
      },
    }))
  })

  const complaints = async (copy: string): Promise<readonly string[]> => {
    const {stdout} = await runNode([join(PACKAGE, 'node_modules/typescript/bin/tsc'), '-p', copy, '--noEmit'], {
      cwd: copy,
      home: folder(),
    })
    return [...new Set(stdout.split('\n').flatMap((line) => /^(\S+)\(\d+,/.exec(line)?.[1] ?? []))]
  }

  it('of a run or a key needs no other change of the sources, and one of a record a value where records are made', async () => {
    const ofKey = `name: 'id_again', type: 'STRING', required: true, description: 'New.', from: 'key', field: 'externalId'`
    const ofRun = `name: 'run_id', type: 'STRING', required: false, description: 'New.', from: 'run', field: 'runId', updated: 'never'`
    expect(await complaints(await copyWithColumns(join(folder(), 'key'), [ofKey, ofRun]))).to.deep.equal([])
    const unsaid = await copyWithColumns(join(folder(), 'unsaid'), [LABEL])
    expect(await complaints(unsaid)).to.deep.equal(['src/sources/box/keyed-record.ts'])
    expect(await complaints(await copyWithLabels(join(folder(), 'said')))).to.deep.equal([])
  })
})
