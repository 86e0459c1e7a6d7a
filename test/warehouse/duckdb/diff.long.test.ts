import {createHash} from 'node:crypto'
import {chmod, readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {Spool} from '../../../src/sink/spool.ts'
import {DELIMITED_LINES} from '../../../src/warehouse/record-lines.ts'
import {change, query} from '../../support/database.ts'
import {describeDiff} from '../../support/diff-contract.ts'
import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {databaseIn, PRODUCTION, scriptedRun} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

describe('a diff with DuckDB', () => {
  const folder = folderForEachTest()
  describeDiff(() => duckDBUnderTest(folder()))

  /** Every file with a hash of its bytes. */
  const files = async (): Promise<readonly string[]> => {
    const entries = await readdir(folder(), {recursive: true, withFileTypes: true})
    const hashed = entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const bytes = await readFile(join(entry.parentPath, entry.name))
        return `${entry.name} ${createHash('sha256').update(bytes).digest('hex')}`
      })
    return (await Promise.all(hashed)).toSorted()
  }

  it('changes no byte of the file, which it may not even write, and leaves none beside it', async () => {
    await scriptedRun({source: yielding({id: 'a'}, {id: 'b', n: 1}), folder: folder(), now: DAY})
    await chmod(databaseIn(folder()), 0o400)
    const before = await files()
    const source = yielding({id: 'b', n: 2}, {id: 'c'})
    const run = {source, folder: folder(), now: 2 * DAY, mode: 'dry-run', diffSamples: 3} as const
    expect((await scriptedRun({...run, request: {full: true}})).diff?.counts).to.include({insert: 1, update: 1})
    expect(await files()).to.deep.equal(before)
  })

  it('makes no file where there is none yet, and says that there is no table', async () => {
    const run = {source: yielding({id: 'a'}), folder: folder(), now: DAY, mode: 'dry-run', diffSamples: 3} as const
    const {diff} = await scriptedRun(run)
    expect(diff?.tableExists).to.equal(false)
    expect(diff?.counts).to.include({insert: 1, update: 0, unchanged: 0})
    expect(await files()).to.deep.equal([])
  })

  it('fails, and counts nothing, where the table holds two rows of a key', async () => {
    await scriptedRun({source: yielding({id: 'a'}), folder: folder(), now: DAY})
    await change(
      databaseIn(folder()),
      'CREATE TABLE copy AS FROM raw_objects',
      'DROP TABLE raw_objects',
      'CREATE TABLE raw_objects AS FROM copy UNION ALL FROM copy',
      ...['idem_key', 'source_system', 'object_type', 'payload', 'first_seen', 'last_seen'].map(
        (name) => `ALTER TABLE raw_objects ALTER ${name} SET NOT NULL`,
      ),
    )
    const run = {source: yielding({id: 'a'}), folder: folder(), now: 2 * DAY, mode: 'dry-run', diffSamples: 3} as const
    const {error, diff} = await scriptedRun({...run, request: {full: true}})
    expect(String(error)).to.include('several rows for one idem_key')
    expect(diff).to.equal(undefined)
  })

  it('compares what comes after a comparison that failed', async () => {
    const {open} = duckDBUnderTest(folder())
    await scriptedRun({source: yielding({id: 'a'}), folder: folder(), now: DAY})
    const spool = await Spool.create(join(folder(), 'spool', 'compared'), DELIMITED_LINES)
    const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
    await spool.addRecord({
      idemKey: 'thing:scripted--acct1:b',
      externalId: 'b',
      ...stream,
      json: Buffer.from('{"id":"b"}'),
    })
    await spool.endSlice()
    const comparison = await open().openComparison({
      tables: PRODUCTION,
      streams: [stream],
      begunAt: new Date(2 * DAY),
      runId: 'run',
      isWritten: false,
      folder: spool.folder,
    })
    const batch = await spool.batch(new Date(2 * DAY))
    const options = {isChanged: () => true, insertedSamples: 0}
    const error: unknown = await comparison.compare({...batch, rows: 2}, options).catch((reason: unknown) => reason)
    expect(String(error)).to.include('1 were read back')
    expect((await comparison.compare(batch, options)).counts.get('thing')).to.include({insert: 1})
    await comparison.close()
    await spool.close()
  })

  it('takes a value for the same however it is spelled, as the run does, which leaves the text as it is', async () => {
    const source = yielding({id: 'a', n: 1, list: [1, 2]}, {id: 'b', n: 1})
    await scriptedRun({source, folder: folder(), now: DAY})
    const spelled = `'{ "list": [1.0, 2e0], "n": 1, "id": "\\u0061" }'`
    await change(databaseIn(folder()), `UPDATE raw_objects SET payload = ${spelled} WHERE idem_key LIKE '%:a'`)
    const run = {source, folder: folder(), now: 2 * DAY, request: {full: true}}
    const {diff} = await scriptedRun({...run, mode: 'dry-run', diffSamples: 3})
    expect(diff?.counts).to.include({update: 0, unchanged: 2})
    expect((await scriptedRun(run)).counts).to.include({updated: 0, unchanged: 2})
    expect(
      await query(databaseIn(folder()), "SELECT payload::VARCHAR AS text FROM raw_objects WHERE idem_key LIKE '%:a'"),
    ).to.deep.equal([{text: spelled.slice(1, -1)}])
    const [row] = (await duckDBUnderTest(folder()).stored()).filter(({key}) => key.endsWith(':a'))
    expect(row).to.deep.include({payload: {id: 'a', n: 1, list: [1, 2]}, lastSeen: 2 * DAY})
  })

  it('begins again where others write to the file while it is read, and is right in the end', async () => {
    await scriptedRun({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), folder: folder(), now: DAY})
    let writes = 0
    const source = scriptedSource(() => [], {
      async *extract() {
        for (const id of ['a', 'b']) {
          writes += 1
          await change(
            databaseIn(folder()),
            `UPDATE raw_objects SET payload = '{"id":"b","n":${writes}}' WHERE idem_key LIKE '%b'`,
          )
          yield {records: [{id, n: 2}]}
        }
      },
    })
    const run = {source, folder: folder(), now: 2 * DAY, mode: 'dry-run', diffSamples: 3} as const
    const {diff} = await scriptedRun({...run, request: {full: true}})
    expect(diff?.counts).to.include({insert: 0, update: 1, unchanged: 1})
    expect(diff?.moved).to.deep.equal({runId: undefined})
  })
})
