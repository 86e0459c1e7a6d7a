import {fork} from 'node:child_process'
import {once} from 'node:events'
import {chown, mkdir, readdir, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

import {expect} from 'chai'

import {inTransaction, withDatabase} from '../../../src/warehouse/duckdb/connection.ts'
import {createMissingDatabase} from '../../../src/warehouse/duckdb/new-database.ts'
import {folderForEachTest} from '../../support/folder.ts'

const JOBS = fileURLToPath(new URL('../../support/jobs-of-another-user.ts', import.meta.url))
const NOBODY = 65_534

describe('what DuckDB writes', () => {
  const folder = folderForEachTest()
  if (process.platform === 'win32') return

  it('is never open to others, whatever the umask of the process says, and the umask stays what it is', async () => {
    const path = join(folder(), 'private.duckdb')
    const temporaryFolder = join(folder(), 'temporary')
    const umask = process.umask(0)
    const seen = new Map<string, number>()
    const look = async (): Promise<void> => {
      for (const name of await readdir(folder(), {recursive: true}))
        seen.set(name, (await stat(join(folder(), name))).mode & 0o077)
    }
    try {
      await createMissingDatabase(path)
      await withDatabase({path, temporaryFolder, lockTimeout: 0}, 'write', undefined, async (connection) => {
        await connection.run("SET memory_limit = '64MB'")
        await inTransaction(connection, async () => {
          await connection.run('CREATE TABLE t AS SELECT random() AS a, uuid()::VARCHAR AS b FROM range(1_000_000)')
          await connection.run('CREATE TABLE sorted AS SELECT * FROM t ORDER BY b')
          await look()
        })
        await look()
        expect(process.umask()).to.equal(0)
        await mkdir(join(folder(), 'made meanwhile', 'within'), {recursive: true})
        expect((await stat(join(folder(), 'made meanwhile'))).mode & 0o777).to.equal(0o777)
      })
    } finally {
      process.umask(umask)
    }
    expect([...seen.keys()]).to.include.members(['private.duckdb', 'private.duckdb.wal', 'temporary'])
    const open = [...seen].filter(([name, mode]) => mode !== 0 && !name.startsWith('temporary/'))
    expect(open, 'nobody gets into a folder that is closed').to.deep.equal([])
  })

  it('lets several jobs of a user who is not root run at once', async () => {
    const root = process.getuid?.() === 0
    if (root) await chown(folder(), NOBODY, NOBODY)
    const child = fork(JOBS, [folder(), '6'], {...(root && {uid: NOBODY, gid: NOBODY}), stdio: 'inherit'})
    const [errors] = (await once(child, 'message')) as [readonly string[]]
    expect(errors).to.deep.equal([])
  })
})
