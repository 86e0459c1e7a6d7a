import {DuckDBInstance} from '@duckdb/node-api'
import {expect} from 'chai'
import {stub} from 'sinon'

import {stopped} from '../../src/base/errors.ts'
import {withDatabase} from '../../src/warehouse/duckdb/connection.ts'
import {folderForEachTest} from '../support/folder.ts'

describe('a run that waits for another process to close the DuckDB file', () => {
  const folder = folderForEachTest()

  it('is ended by the signal as itself, so that the exit code is the signal’s', async () => {
    const controller = new AbortController()
    const reason = stopped('SIGINT')
    const create = stub(DuckDBInstance, 'create').callsFake(async () => {
      setImmediate(() => controller.abort(reason))
      return Promise.reject(
        new Error('IO Error: Could not set lock on file "x": Conflicting lock is held in y (PID 1)'),
      )
    })
    const database = {path: 'x', temporaryFolder: folder(), lockTimeout: 10_000}
    try {
      const error = await withDatabase(database, 'read', controller.signal, async () => undefined).then(
        () => undefined,
        (found: unknown) => found,
      )
      expect(error).to.equal(reason)
    } finally {
      create.restore()
    }
  })
})
