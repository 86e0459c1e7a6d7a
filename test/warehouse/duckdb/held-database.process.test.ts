import {expect} from 'chai'

import {outcomeOf} from '../../../src/base/errors.ts'
import {query} from '../../support/database.ts'
import {holdDatabase, type DatabaseHolder} from '../../support/database-holder.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {databaseIn, scriptedRun, type ScriptedRun} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'

const DAY = 86_400_000
const DAYS = 5

describe('a DuckDB file that another program opens in the middle of a run', () => {
  const folder = folderForEachTest()
  let holder: DatabaseHolder | undefined
  afterEach(async () => {
    await holder?.close()
    holder = undefined
  })

  /** One record a day, each day a slice and a commit. */
  function daily(onDay: (day: number) => void | Promise<void>) {
    return scriptedSource(() => [], {
      defaults: {slice: '1d'},
      async *extract({window}) {
        const day = (window.since?.getTime() ?? 0) / DAY
        await onDay(day)
        yield {records: [{id: `day ${day}`}]}
      },
    })
  }

  const run = async (source: ReturnType<typeof daily>, more: Partial<ScriptedRun>) =>
    scriptedRun({
      source,
      folder: folder(),
      start: 0,
      now: DAYS * DAY,
      lockTimeout: 0,
      commitAfter: {records: 1, milliseconds: 300_000},
      ...more,
    })

  const stored = async (): Promise<unknown> =>
    (await query(databaseIn(folder()), 'SELECT external_id AS id FROM raw_objects ORDER BY id')).map(({id}) => id)

  it('keeps no record from being read: the run reads on, says who has it, and commits all when it is closed', async () => {
    const seen = Promise.withResolvers<string>()
    const heldWhileReading: number[] = []
    const told: (string | undefined)[] = []
    const source = daily(async (day) => {
      if (day === 1) holder = await holdDatabase(databaseIn(folder()))
      if (day === 2) await seen.promise
      if (day >= 2 && told.at(-1) !== undefined) heldWhileReading.push(day)
      if (day === DAYS - 1) await holder?.close()
    })
    const {error, counts} = await run(source, {
      commitTimeout: 60_000,
      heldBy: (name) => {
        told.push(name)
        if (name !== undefined) seen.resolve(name)
      },
    })
    expect(error).to.equal(undefined)
    expect(await seen.promise).to.include(`PID ${holder?.pid}`)
    expect(heldWhileReading).to.deep.equal([2, 3, 4])
    expect(told.at(-1)).to.equal(undefined)
    expect(counts.inserted).to.equal(DAYS)
    expect(await stored()).to.have.length(DAYS)
  })

  it('fails the run where it stays open for longer than `lock_timeout` after all was read', async () => {
    let daysRead = 0
    const source = daily(async (day) => {
      if (day === 1) holder = await holdDatabase(databaseIn(folder()))
      daysRead += 1
    })
    const {error} = await run(source, {commitTimeout: 0})
    expect(outcomeOf(error)).to.equal('busy')
    expect((error as Error).message).to.include(`PID ${holder?.pid}`)
    expect(daysRead).to.equal(DAYS)
    await holder?.close()
    expect(await stored()).to.deep.equal(['day 0'])
  })

  it('keeps no run from being stopped', async () => {
    const stop = new AbortController()
    const source = daily(async (day) => {
      if (day === 1) holder = await holdDatabase(databaseIn(folder()))
    })
    const {error} = await run(source, {
      commitTimeout: 3_600_000,
      signal: stop.signal,
      heldBy: () => stop.abort(new Error('stopped by the user')),
    })
    expect(error).to.be.an('error')
    await holder?.close()
    expect(await stored()).to.deep.equal(['day 0'])
  })

  it('keeps a source that asks what is stored waiting, and no longer', async () => {
    const source = scriptedSource(() => [], {
      async *extract({known}) {
        holder = await holdDatabase(databaseIn(folder()))
        await known(['thing:scripted--acct1:a'])
        yield {records: [{id: 'a'}]}
      },
    })
    const {error} = await run(source, {commitTimeout: 60_000, heldBy: () => void holder?.close()})
    expect(error).to.equal(undefined)
    expect(await stored()).to.deep.equal(['a'])
  })
})
