import {copyFile, mkdir, readdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {DuckDBInstance} from '@duckdb/node-api'
import {expect} from 'chai'

import type {Page, SourceContext} from '../../src/source.ts'
import {cutTo, damage, fromTheFuture, scribbled, type Damage} from '../support/chaos/database-file.ts'
import {events, query} from '../support/database.ts'
import {exists} from '../support/external-source.ts'
import {committing} from '../support/committing.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'
import {DAY, expectClearError, failureOf, tenDays, tenDaysIn} from '../support/ten-days.ts'

const folder = folderForEachTest()
const {run, expectWhole} = tenDaysIn(folder)

const temporaryFiles = async (): Promise<readonly string[]> => readdir(join(folder(), 'spool'))

describe('a file in the place of the folder for temporary files', () => {
  it('ends the run with what is wrong and what to do, before anything is asked or written', async () => {
    await run(3)
    const before = await readFile(databaseIn(folder()))
    const spool = join(folder(), 'spool')
    await rm(spool, {recursive: true})
    await writeFile(spool, 'a file where the folder should be')
    const calls = tenDays.calls.length
    const error = await failureOf(run(6))
    expectClearError(error, /temporary files.*spool/, /folder|XDG_CACHE_HOME/)
    expect(tenDays.calls.length).to.equal(calls)
    expect(before.equals(await readFile(databaseIn(folder())))).to.equal(true)
    await rm(spool)
    expect((await run(6)).error).to.equal(undefined)
    await expectWhole(6)
  })
})

describe('a DuckDB file', () => {
  const damages: readonly [string, Damage, RegExp, RegExp][] = [
    ['with random bytes all over', scribbled, /corrupt|checksum/i, /[Rr]estore/],
    ['that ends soon after its headers', cutTo(() => 20_000), /read enough bytes|corrupt/i, /[Rr]estore/],
    ['that ends within its headers', cutTo(() => 5000), /read enough bytes|corrupt/i, /[Rr]estore/],
    ['that is empty', cutTo(() => 0), /empty|not a (valid )?DuckDB database/i, /[Rr]estore|[Rr]emove/],
    ['of a version of DuckDB from the future', fromTheFuture, /version/i, /[Uu]pdate|newer/],
    ['that is something else', () => Buffer.from('hello '.repeat(9000)), /not a DuckDB database/, /another file/],
  ]
  for (const [what, how, wrong, next] of damages) {
    it(`${what} ends the run as an error that says so, and no byte of it changes`, async () => {
      await run(3)
      const file = databaseIn(folder())
      const good = await readFile(file)
      await damage(file, how)
      const bad = await readFile(file)
      const error = await failureOf(run(6))
      expectClearError(error, wrong, next)
      expect(bad.equals(await readFile(file)), 'the file is as it was').to.equal(true)
      expect(await temporaryFiles()).to.deep.equal([])
      await rm(`${file}.wal`, {force: true})
      await writeFile(file, good)
      expect((await run(6)).error).to.equal(undefined)
      await expectWhole(6)
    })
  }

  it('that lacks its second half ends the run as an error that says so, and nothing is lost once it is restored', async () => {
    await run(3)
    const file = databaseIn(folder())
    const good = await readFile(file)
    await damage(
      file,
      cutTo((bytes) => bytes / 2),
    )
    expectClearError(await failureOf(run(6)), /read enough bytes|corrupt/i, /[Rr]estore/)
    await rm(`${file}.wal`, {force: true})
    await writeFile(file, good)
    expect((await run(6)).error).to.equal(undefined)
    await expectWhole(6)
  })

  for (const [what, exchange] of [
    ['replaced by an older copy', async (file: string, older: string) => copyOver(older, file)],
    ['removed', async (file: string) => rm(file)],
  ] as const) {
    it(`that is ${what} between two commits ends the run as an error, and the next one stores everything`, async () => {
      const file = databaseIn(folder())
      await run(3)
      const older = join(folder(), 'older')
      await copyFile(file, older)
      const exchanged = committing(async (number, work) => {
        if (number === 2) await exchange(file, older)
        return work()
      })
      const error = await failureOf(run(8, {warehouse: exchanged}))
      expectClearError(error, /replaced|gone|removed|not the file/, /[Rr]un/)
      expect(await exists(file), 'no new file was made').to.equal(what !== 'removed')
      expect((await run(8)).error).to.equal(undefined)
      await expectWhole(8)
    })
  }

  it('with the .wal of a killed process loses nothing, and a dry run changes no byte of either', async () => {
    await run(3)
    const file = databaseIn(folder())
    await leaveWal(file)
    const before = [await readFile(file), await readFile(`${file}.wal`)]
    const listed = await readdir(folder())
    const dry = await run(6, {mode: 'dry-run'})
    expect(dry.error).to.equal(undefined)
    expect(dry.counts, 'what only the .wal says is known').to.include({extracted: 6})
    const after = [await readFile(file), await readFile(`${file}.wal`)]
    expect(before.every((bytes, index) => after[index]?.equals(bytes) === true)).to.equal(true)
    expect(await readdir(folder())).to.deep.equal(listed)
    expect((await run(6)).counts).to.include({extracted: 6, inserted: 6})
    expect(await exists(`${file}.wal`)).to.equal(false)
    await expectWhole(6)
  })
})

describe('a DuckDB file that was removed', () => {
  it('but not its .wal is made anew once somebody says that the .wal may be lost, and everything is read again', async () => {
    await run(3)
    const file = databaseIn(folder())
    await leaveWal(file)
    await rm(file)
    expectClearError(await failureOf(run(6)), /is not there, but .*\.wal is/, /Put .* back/)
    await rm(`${file}.wal`)
    expect((await run(6)).error).to.equal(undefined)
    expect(await exists(`${file}.wal`)).to.equal(false)
    await expectWhole(6)
  })
})

/** The commits of days 3 and 4, in the .wal alone: as a process leaves it that is killed before it can tidy up. */
async function leaveWal(file: string): Promise<void> {
  const aside = `${file}.aside`
  await copyFile(file, aside)
  await run(4)
  const rows = await query(
    file,
    `SELECT * FROM raw_objects WHERE last_seen = epoch_ms(${4 * DAY}::BIGINT)::TIMESTAMPTZ`,
  )
  expect(rows).to.have.length(3)
  const ahead = `${file}.ahead`
  await rename(file, ahead)
  await rename(aside, file)
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  await connection.run('PRAGMA disable_checkpoint_on_shutdown')
  await connection.run("SET wal_autocheckpoint = '1TB'")
  await connection.run(`ATTACH '${ahead}' AS ahead (READ_ONLY)`)
  for (const table of ['raw_objects', 'event_log']) {
    await connection.run(`INSERT INTO ${table} SELECT * FROM ahead.${table} EXCEPT SELECT * FROM ${table}`)
  }
  connection.closeSync()
  instance.closeSync()
  await rm(ahead)
  expect(await exists(`${file}.wal`)).to.equal(true)
}

async function copyOver(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.new`)
  await rename(`${to}.new`, to)
}

describe('a clock that jumps back', () => {
  it('between two runs is an error that names the clock, and nothing is lost when it is right again', async () => {
    await run(6)
    const before = await query(databaseIn(folder()), 'SELECT * FROM raw_objects ORDER BY idem_key')
    const error = await failureOf(run(2))
    expectClearError(error, /clock/, /clock/)
    const after = await query(databaseIn(folder()), 'SELECT * FROM raw_objects ORDER BY idem_key')
    expect(after).to.deep.equal(before)
    expect((await run(9)).counts).to.include({extracted: 9, inserted: 9})
    await expectWhole(9)
  })

  it('by a few seconds, as two machines differ, is none', async () => {
    await run(6)
    expect((await run(6 - 5 / 86_400)).error).to.equal(undefined)
    expect((await run(7)).counts).to.include({extracted: 3, inserted: 3})
    await expectWhole(7)
  })

  it('within a run loses nothing and ends before the time that it jumped to', async () => {
    await run(3)
    let clock = 8 * DAY
    const jumping = {
      get now() {
        clock -= DAY / 24
        return clock
      },
    }
    const {error, counts} = await scriptedRun({
      source: tenDays,
      folder: folder(),
      commitAfter: {records: 1, milliseconds: 1e9},
      get now() {
        return jumping.now
      },
    })
    expect(error).to.equal(undefined)
    expect(counts.extracted).to.equal(counts.inserted)
    expect((await run(9)).error).to.equal(undefined)
    await expectWhole(9)
    const completed = await events(databaseIn(folder()), 'job.completed')
    for (const {payload} of completed) {
      expect((payload as {duration_seconds: number}).duration_seconds).to.be.at.least(0)
    }
  })
})

describe('a run that waited for its turn', () => {
  it('stores what it read, although a run that began later ended before', async () => {
    let version = 'old'
    const source = scriptedSource(() => [], {
      async *extract(_: SourceContext<unknown>): AsyncGenerator<Page> {
        yield await Promise.resolve({records: [{id: 'a', version}]})
      },
    })
    const late = Promise.withResolvers<void>()
    let clock = 1 * DAY
    const waiting = scriptedRun({
      source,
      folder: folder(),
      runId: 'waited',
      get now() {
        return clock
      },
      warehouse: (real) => ({
        recordLines: real.recordLines,
        readStreamStates: real.readStreamStates.bind(real),
        indexKeys: real.indexKeys.bind(real),
        readRejects: real.readRejects.bind(real),
        readRunEvents: real.readRunEvents.bind(real),
        readRecord: real.readRecord.bind(real),
        query: real.query.bind(real),
        viewSql: real.viewSql.bind(real),
        createView: real.createView.bind(real),
        describe: real.describe.bind(real),
        checkWritable: real.checkWritable.bind(real),
        countSurplusRows: real.countSurplusRows.bind(real),
        createTables: real.createTables.bind(real),
        addColumns: real.addColumns.bind(real),
        async begin(begun) {
          await late.promise
          return real.begin(begun)
        },
      }),
    })
    await scriptedRun({source, folder: folder(), now: 2 * DAY, runId: 'overtook'})
    version = 'new'
    clock = 3 * DAY
    late.resolve()
    expect((await waiting).error).to.equal(undefined)
    const [row] = await query(databaseIn(folder()), `SELECT payload->>'version' AS version FROM raw_objects`)
    expect(row).to.deep.equal({version: 'new'})
  })
})

describe('a folder of the database that is not there yet', () => {
  it('is made', async () => {
    await mkdir(join(folder(), 'deep'))
    const {error} = await scriptedRun({source: tenDays, folder: join(folder(), 'deep'), now: DAY})
    expect(error).to.equal(undefined)
  })
})
