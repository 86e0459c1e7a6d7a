import {join} from 'node:path'
import {readdir} from 'node:fs/promises'

import {expect} from 'chai'

import {messageWithCauses, outcomeOf} from '../../src/base/errors.ts'
import {reconcileJob, type JobToReconcile} from '../../src/run/reconcile-job.ts'
import type {Source} from '../../src/source.ts'
import type {ComparedKeys} from '../../src/warehouse/stored-keys.ts'
import {DuckDBWarehouse} from '../../src/warehouse/duckdb/warehouse.ts'
import {Archive, archiveSource} from '../support/archive-source.ts'
import {events, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {messageOf} from '../support/message-of.ts'
import {jobToReconcile} from '../support/reconciling.ts'
import {databaseIn, LOCK_TIMEOUT, scriptedRun, type ScriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const NOW = 100 * 86_400_000
const folder = folderForEachTest()

describe('reconcile', () => {
  let archive: Archive
  let source: Source

  const run = async (more: Partial<ScriptedRun> = {}) => scriptedRun({source, folder: folder(), now: NOW, ...more})
  const reconciled = async (more: Partial<JobToReconcile> = {}): Promise<ComparedKeys> => {
    const {signal} = new AbortController()
    const database = {path: databaseIn(folder()), temporaryFolder: join(folder(), 'tmp'), lockTimeout: LOCK_TIMEOUT}
    const warehouse = new DuckDBWarehouse(database, signal, {})
    return reconcileJob(jobToReconcile(source, {folder: folder(), now: NOW + 1}, {warehouse, ...more}))
  }
  const key = (id: string): string => `thing:scripted--acct1:${id}`
  const left = async (): Promise<readonly unknown[]> => [
    await query(databaseIn(folder()), 'SELECT * FROM raw_objects ORDER BY idem_key'),
    await query(databaseIn(folder()), 'SELECT * FROM event_log ORDER BY event_id'),
  ]

  beforeEach(() => {
    archive = new Archive()
    source = archiveSource(archive)
    archive.add(...Array.from({length: 503}, (_, index) => ({id: `n${index}`, at: index})))
  })

  it('tells that nothing differs', async () => {
    await run()
    const none = {count: 0, keys: []}
    expect(await reconciled()).to.deep.equal({listed: 503, stored: 503, gone: none, untold: 0, missing: none})
  })

  it('names what is gone at the source, and what is not stored, and changes nothing', async () => {
    await run()
    for (const id of ['n7', 'n8', 'n9']) archive.records.delete(id)
    archive.add({id: 'new', at: 1})
    const before = await left()
    expect(await reconciled()).to.deep.equal({
      listed: 501,
      stored: 503,
      gone: {count: 3, keys: [key('n7'), key('n8'), key('n9')]},
      untold: 3,
      missing: {count: 1, keys: [key('new')]},
    })
    expect(await left()).to.deep.equal(before)
    expect(await events(databaseIn(folder()), 'object.deleted')).to.deep.equal([])
    expect(await readdir(join(folder(), 'spool'))).to.deep.equal([])
  })

  it('counts a key once that is listed twice, and names no more than a thousand', async () => {
    archive.add(...Array.from({length: 1200}, (_, index) => ({id: `more${index}`, at: index})))
    await run()
    source = scriptedSource(() => [], {
      async *listKeys() {
        for (let page = 0; page < 2; page += 1) yield await Promise.resolve([key('n1')])
      },
    })
    const {listed, gone} = await reconciled()
    expect([listed, gone.count, gone.keys.length]).to.deep.equal([1, 1702, 1000])
  })

  it('calls nothing gone where the listing breaks off, or is empty', async () => {
    await run()
    archive.breaksAfter = 200
    expect(await messageOf(reconciled())).to.include('the list broke off')
    expect(await readdir(join(folder(), 'spool'))).to.deep.equal([])
    archive.breaksAfter = Infinity
    archive.records.clear()
    expect(await messageOf(reconciled())).to.include('listed nothing at all')
  })

  it('is refused where the job selects, before anything is listed', async () => {
    await run()
    archive.breaksAfter = 0
    const refused = reconciled({narrowing: ['labels', 'query']})
    expect(await messageOf(refused)).to.include('job selects by labels, query: what it does not list may still exist')
    expect(outcomeOf(await refused.catch((error: unknown) => error))).to.equal('usage')
  })

  it('is refused where a stream selects some of its records by itself', async () => {
    source = {
      ...source,
      streams: () => [{objectType: 'thing', windowed: true, separate: true, selection: {open: true}}],
    }
    await run()
    expect(await messageOf(reconciled())).to.include('job selects by what it says of thing alone')
  })

  it('is refused where rows of the stream were selected in another way, by another job or before', async () => {
    await run()
    await run({job: 'another', selection: 'spam too'})
    expect(await messageOf(reconciled())).to.include('rows of job were also read by another, with another selection')
    expect(await messageOf(reconciled({job: 'another', selection: 'else'}))).to.include('also read by')
  })

  it('is refused where the source cannot list, and where nothing is stored', async () => {
    expect(await messageOf(reconciled())).to.include('nothing of job is stored')
    source = scriptedSource(() => [])
    expect(await messageOf(reconciled())).to.include('the source scripted of job cannot list its keys')
  })

  it('fails where somebody else is signed in, whose records are others', async () => {
    const check = async (identity: string) => Promise.resolve({identity})
    source = {...archiveSource(archive), check: async () => check('a@example.com')}
    await run()
    source = {...archiveSource(archive), check: async () => check('b@example.com')}
    const error: unknown = await reconciled().catch((thrown: unknown) => thrown)
    expect(messageWithCauses(error)).to.include('used to hold the data of a@example.com')
  })

  it('fails where a key is of none of the streams', async () => {
    await run()
    source = scriptedSource(() => [], {
      async *listKeys() {
        yield await Promise.resolve(['other:elsewhere:1'])
      },
    })
    expect(await messageOf(reconciled())).to.include('listed a key that is none of its streams')
  })
})
