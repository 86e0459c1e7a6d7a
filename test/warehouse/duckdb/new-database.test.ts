import {readdir, utimes, writeFile} from 'node:fs/promises'
import {basename, join} from 'node:path'

import {expect} from 'chai'

import {ownProcess} from '../../../src/base/process-identity.ts'
import {processNameOf} from '../../../src/base/process-name.ts'
import {createMissingDatabase} from '../../../src/warehouse/duckdb/new-database.ts'
import {query} from '../../support/database.ts'
import {folderForEachTest} from '../../support/folder.ts'

/** Above what Linux numbers processes by. */
const NO_PROCESS = 4_999_999
const TWO_DAYS = 2 * 86_400

describe('a DuckDB file that is not there yet', () => {
  const folder = folderForEachTest()

  it('is made once where several containers begin at once, whose processes have the same number', async () => {
    const path = join(folder(), 'shared.duckdb')
    await Promise.all(Array.from({length: 8}, async () => createMissingDatabase(path)))
    expect(await readdir(folder())).to.deep.equal([basename(path)])
    expect(await query(path, 'SELECT 1 AS one')).to.deep.equal([{one: 1}])
  })

  it('is made beside what others are making, and what those left whom nobody can see is removed after a day', async () => {
    const path = join(folder(), 'shared.duckdb')
    const own = {...(await ownProcess()), pid: NO_PROCESS}
    const other = {...own, host: 'another-pod'}
    const draftOf = async (process: typeof own): Promise<string> => {
      const draft = `${path}.${processNameOf(process)}.new`
      await writeFile(draft, 'half')
      return draft
    }
    await draftOf(own)
    const fresh = await draftOf(other)
    const old = await draftOf(other)
    const past = Date.now() / 1000 - TWO_DAYS
    await utimes(old, past, past)
    await createMissingDatabase(path)
    expect(await readdir(folder())).to.have.members([basename(path), basename(fresh)])
  })
})
