import {copyFile, open, readdir, readFile, rm, writeFile} from 'node:fs/promises'

import {DuckDBInstance} from '@duckdb/node-api'
import {expect} from 'chai'

import {messageWithCauses} from '../../../src/base/errors.ts'
import {backUpMetadata, backupOf} from '../../../src/warehouse/duckdb/metadata-backup.ts'
import {query} from '../../support/database.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {databaseIn, scriptedRun, type ScriptedResult} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()
const source = scriptedSource(() => [
  {id: 'a', at: 1},
  {id: 'b', at: 2 * DAY},
])
const run = async (day: number, mode: 'production' | 'dry-run' = 'production'): Promise<ScriptedResult> =>
  scriptedRun({source, folder: folder(), mode, now: day * DAY})
const stored = async () => query(databaseIn(folder()), 'SELECT external_id FROM raw_objects ORDER BY 1')
const filesOfDatabase = async (): Promise<readonly string[]> =>
  (await readdir(folder())).filter((name) => name.includes('.duckdb'))

interface Checkpoint {
  readonly before: Buffer
  readonly after: Buffer
  readonly wal: Buffer
  readonly backup: Buffer
}

/** What is on the disk around a checkpoint of the database: one row is only in the .wal before it. */
async function aroundCheckpoint(): Promise<Checkpoint> {
  const file = databaseIn(folder())
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  await connection.run(`PRAGMA disable_checkpoint_on_shutdown; SET wal_autocheckpoint = '1TB'`)
  const handle = await open(file, 'r')
  await backUpMetadata(connection, file, handle)
  await connection.run(
    `INSERT INTO raw_objects VALUES ('thing:scripted--acct1:wal', 'scripted--acct1', 'thing', 'wal', '{}', now(), now())`,
  )
  const [before, wal] = [await readFile(file), await readFile(`${file}.wal`)]
  await connection.run('CHECKPOINT')
  connection.closeSync()
  instance.closeSync()
  await handle.close()
  return {before, after: await readFile(file), wal, backup: await readFile(backupOf(file))}
}

async function leave(file: Buffer, wal: Buffer | undefined, backup: Buffer | undefined): Promise<void> {
  const path = databaseIn(folder())
  await writeFile(path, file)
  for (const [name, content] of [
    [`${path}.wal`, wal],
    [backupOf(path), backup],
  ] as const) {
    if (content === undefined) await rm(name, {force: true})
    else await writeFile(name, content)
  }
}

/** The blocks that the checkpoint rewrote in place, up to somewhere in the middle; its new header is not written yet. */
function torn({before, after, backup}: Checkpoint): Buffer {
  const {blockSize, blocks} = JSON.parse(backup.toString('utf8', 0, backup.indexOf('\n'))) as {
    blockSize: number
    blocks: readonly number[]
  }
  const file = Buffer.from(before)
  for (const block of blocks) {
    const place = 3 * 4096 + block * blockSize
    after.copy(file, place, place, place + 4096)
  }
  return file
}

describe('a DuckDB file whose metadata a killed checkpoint left half written', () => {
  beforeEach(async () => {
    expect((await run(1)).error).to.equal(undefined)
  })

  it('is one that DuckDB does not open', async () => {
    const checkpoint = await aroundCheckpoint()
    await leave(torn(checkpoint), checkpoint.wal, undefined)
    const error = await stored().catch((failed: unknown) => failed)
    expect(messageWithCauses(error)).to.match(/checksum/)
  })

  it('is mended by the next run, with all that was committed', async () => {
    const checkpoint = await aroundCheckpoint()
    await leave(torn(checkpoint), checkpoint.wal, checkpoint.backup)
    expect((await run(3)).error).to.equal(undefined)
    expect((await stored()).map((row) => row['external_id'])).to.deep.equal(['a', 'b', 'wal'])
    expect(await filesOfDatabase()).to.deep.equal(['warehouse.duckdb'])
  })

  it('is left as it is by a dry run, which says what mends it', async () => {
    const checkpoint = await aroundCheckpoint()
    await leave(torn(checkpoint), checkpoint.wal, checkpoint.backup)
    const {error} = await run(3, 'dry-run')
    expect(messageWithCauses(error)).to.match(/killed left .* half written/)
    expect(await readFile(databaseIn(folder()))).to.deep.equal(torn(checkpoint))
    expect(await readFile(`${databaseIn(folder())}.wal`)).to.deep.equal(checkpoint.wal)
  })

  it('is mended whatever else the checkpoint wrote or did not', async () => {
    const checkpoint = await aroundCheckpoint()
    const {before, wal, backup} = checkpoint
    await leave(before, wal, backup)
    expect((await run(3)).error).to.equal(undefined)
    expect((await stored()).map((row) => row['external_id'])).to.deep.equal(['a', 'b', 'wal'])
    expect(await filesOfDatabase()).to.deep.equal(['warehouse.duckdb'])
  })
})

describe('a copy of the metadata that a killed run left beside the DuckDB file', () => {
  it('is dropped, and no byte of the file changed, where the checkpoint had ended', async () => {
    await run(1)
    const {after, backup} = await aroundCheckpoint()
    await leave(after, undefined, backup)
    expect((await run(3)).error).to.equal(undefined)
    expect((await stored()).map((row) => row['external_id'])).to.deep.equal(['a', 'b', 'wal'])
    expect(await filesOfDatabase()).to.deep.equal(['warehouse.duckdb'])
  })

  it('is dropped where another database is in its place by now', async () => {
    await run(1)
    const {backup} = await aroundCheckpoint()
    const file = databaseIn(folder())
    await copyFile(file, `${folder()}/aside`)
    await rm(file)
    await run(1)
    await writeFile(backupOf(file), backup)
    expect((await run(3)).error).to.equal(undefined)
    expect((await stored()).map((row) => row['external_id'])).to.deep.equal(['a', 'b'])
    expect(await filesOfDatabase()).to.deep.equal(['warehouse.duckdb'])
  })
})
