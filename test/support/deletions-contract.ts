import {expect} from 'chai'

import {codeOf, outcomeOf} from '../../src/base/errors.ts'
import type {RunMode} from '../../src/model/run-mode.ts'
import {logDeletions, type JobToLogDeletions, type LoggedDeletions} from '../../src/run/log-deletions.ts'
import {pastRuns, type PastRun} from '../../src/run/past-runs.ts'
import {openSink} from '../../src/sink/open-sink.ts'
import type {Source} from '../../src/source.ts'
import {Archive, archiveSource} from './archive-source.ts'
import {jobToReconcile} from './reconciling.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION, type ScriptedRun} from './scripted-run.ts'
import {undo} from './undoing.ts'
import {DAY, type WarehouseUnderTest} from './warehouse-contract.ts'

const key = (id: string): string => `thing:scripted--acct1:${id}`
const nothing = (): void => {}

interface Asked extends Partial<Omit<JobToLogDeletions, 'now'>> {
  readonly mode?: RunMode
  readonly now?: number
}

/** What logging deletions that a listing shows promises on every warehouse. */
export function describeDeletions(warehouse: () => WarehouseUnderTest): void {
  let archive: Archive
  /** It is called before each listing, with its number. */
  let beforeListing: (number: number) => Promise<void> | void
  /** It is called behind the last page of each. */
  let afterLastPage: (number: number) => void
  let listings = 0
  let names = 0

  const source = (): Source => {
    const archived = archiveSource(archive)
    return {
      ...archived,
      async *listKeys(context) {
        listings += 1
        const number = listings
        await beforeListing(number)
        yield* archived.listKeys?.(context) ?? []
        afterLastPage(number)
      },
    }
  }
  const run = async (more: Partial<ScriptedRun> = {}) => {
    const result = await warehouse().run({source: source(), now: DAY, ...more})
    expect(result.error).to.equal(undefined)
    return result
  }
  const reconcile = async ({mode = 'production', now = 2 * DAY, ...more}: Asked = {}): Promise<LoggedDeletions> => {
    listings = 0
    names += 1
    const {folder} = warehouse()
    const open = warehouse().open(more.signal)
    const job = jobToReconcile(source(), {folder, now}, {warehouse: open, runId: `reconcile-${names}`, ...more})
    const options = {
      production: PRODUCTION,
      openWarehouse: () => Promise.resolve(open),
      folder: `${job.folder}-log`,
      needsCoverage: true,
      samples: 0,
      hiddenPaths: [],
    }
    // It is asked for when the sink is opened, and never again.
    const sink = await withRunMode(mode, () => Promise.resolve(openSink(options, mode)))
    return logDeletions({...job, sink, maxDeleted: 5, ...more})
  }
  const refusal = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'it was not refused',
      (error: unknown) => `${codeOf(error)} ${outcomeOf(error)} ${String(error)}`,
    )
  const deletions = async () => (await warehouse().logged()).filter(({type}) => type === 'object.deleted')
  const runs = async (): Promise<readonly PastRun[]> =>
    pastRuns(await warehouse().open().readRunEvents(PRODUCTION, {limit: 100}))
  const leave = (...ids: readonly string[]): void => {
    for (const id of ids) archive.records.delete(id)
  }

  beforeEach(() => {
    archive = new Archive()
    archive.add(...Array.from({length: 250}, (_, index) => ({id: `n${index}`, at: index})))
    beforeListing = nothing
    afterLastPage = nothing
  })

  it('logs what is gone as deleted in one commit, once, and leaves rows, coverage and the next run as they are', async () => {
    await run()
    leave('n7', 'n8')
    const before = await warehouse().stored()
    const {runId, deleted, untold} = await reconcile()
    expect([deleted.keys, untold]).to.deep.equal([[key('n7'), key('n8')], 2])
    expect((await deletions()).map(({runId: by, payload}) => [by, payload])).to.deep.equal([
      [runId, {by: 'reconcile'}],
      [runId, {by: 'reconcile'}],
    ])
    expect(await warehouse().stored()).to.deep.equal(before)
    const [own] = (await runs()).filter((one) => one.runId === runId)
    expect(own).to.deep.include({outcome: 'done', mode: 'production', windows: []})
    expect(own?.counts.deleted).to.equal(2)
    expect(own?.commits.map(({partial}) => partial)).to.deep.equal(['reconcile'])
    const again = await reconcile({now: 3 * DAY})
    expect([again.gone.count, again.untold, again.deleted.count]).to.deep.equal([2, 0, 0])
    expect(await deletions()).to.have.length(2)
    const {cursor} = await run({now: 4 * DAY})
    expect(cursor?.before).to.equal(DAY)
  })

  it('logs it again where it came back, was read, and is gone again', async () => {
    await run()
    leave('n7')
    await reconcile()
    archive.add({id: 'n7', at: 7})
    expect((await reconcile({now: 3 * DAY})).gone.count).to.equal(0)
    await run({now: 4 * DAY, request: {full: true, refetch: true}})
    leave('n7')
    expect((await reconcile({now: 5 * DAY})).deleted.keys).to.deep.equal([key('n7')])
    expect(await deletions()).to.have.length(2)
  })

  it('is undone like any run: nothing counts as deleted any more', async () => {
    await run()
    leave('n7')
    const {runId = ''} = await reconcile()
    const before = await warehouse().stored()
    await undo(() => warehouse().open(), runId)
    expect((await runs()).find((one) => one.runId === runId)?.outcome).to.equal('undone')
    expect(await warehouse().stored()).to.deep.equal(before)
    expect((await reconcile({now: 3 * DAY})).deleted.keys).to.deep.equal([key('n7')])
  })

  it('takes nothing for gone that one of two lists holds, whatever happens meanwhile', async () => {
    await run()
    leave('n1', 'n2')
    beforeListing = (number) => {
      if (number === 1) archive.add({id: 'created', at: 5})
      if (number !== 2) return
      archive.add({id: 'n1', at: 1})
      leave('n3')
    }
    const {untold, deleted, missing} = await reconcile()
    expect([untold, deleted.keys, missing.keys]).to.deep.equal([2, [key('n2')], [key('created')]])
  })

  it('logs nothing where a list breaks off, behind its last page too, or is empty', async () => {
    await run()
    leave('n7')
    for (const number of [1, 2]) {
      afterLastPage = (at) => {
        if (at === number) throw new Error('the connection is gone')
      }
      expect(await refusal(reconcile())).to.include('the connection is gone')
      afterLastPage = nothing
      beforeListing = (at) => {
        archive.breaksAfter = at === number ? 100 : Infinity
      }
      expect(await refusal(reconcile())).to.include('the list broke off')
      archive.breaksAfter = Infinity
      const kept = [...archive.records.values()]
      beforeListing = (at) => {
        if (at === number) archive.records.clear()
      }
      expect(await refusal(reconcile())).to.include('listed nothing at all')
      archive.add(...kept)
      beforeListing = nothing
    }
    expect(await deletions()).to.deep.equal([])
    expect(new Set((await runs()).map(({outcome}) => outcome))).to.deep.equal(new Set(['done', 'failed']))
    expect((await reconcile()).deleted.keys).to.deep.equal([key('n7')])
  })

  it('logs nothing where more is gone than is allowed, and does not count what was logged before', async () => {
    await run()
    leave(...Array.from({length: 12}, (_, index) => `n${index}`))
    expect((await reconcile()).deleted.count).to.equal(12)
    leave(...Array.from({length: 12}, (_, index) => `n${index + 20}`))
    const refused = await refusal(reconcile({now: 3 * DAY}))
    expect(refused).to.include('E_RECONCILE_REFUSED failed').and.include('12 of 238 stored records are gone')
    expect(await deletions()).to.have.length(12)
    expect((await reconcile({now: 3 * DAY, maxDeleted: 6})).deleted.count).to.equal(12)
  })

  it('is refused while a run holds the stream, and holds it itself while it lists', async () => {
    await run()
    leave('n7')
    let meanwhile = ''
    beforeListing = async (number) => {
      if (number !== 2) return
      meanwhile = await refusal(warehouse().run({source: archiveSource(archive), now: 3 * DAY}))
    }
    await reconcile()
    expect(meanwhile).to.include('E_STREAM_BUSY busy')
    beforeListing = nothing
    const holding = archiveSource(archive)
    const extract = holding.extract.bind(holding)
    let refused = ''
    const slow: Source = {
      ...holding,
      async *extract(context) {
        refused = await refusal(reconcile({now: 3 * DAY}))
        yield* extract(context)
      },
    }
    await run({source: slow, now: 3 * DAY})
    expect(refused).to.include('E_STREAM_BUSY busy')
  })

  it('is refused where another selection has stored rows of the stream, with --limit too, and not where that was undone', async () => {
    await run()
    leave('n7')
    const other = await run({job: 'another', selection: 'spam too', now: 2 * DAY, request: {limit: 1, full: true}})
    const before = await warehouse().logged()
    expect(await refusal(reconcile({now: 3 * DAY}))).to.include('also read by another, with another selection')
    expect(await warehouse().logged()).to.deep.equal(before)
    await undo(() => warehouse().open(), other.runId)
    expect((await reconcile({now: 4 * DAY})).deleted.count).to.equal(1)
  })

  it('leaves alone what was seen later than the listing began', async () => {
    await run()
    leave('n7')
    await warehouse().setLastSeen(9 * DAY)
    const {gone, untold, deleted} = await reconcile()
    expect([gone.count, untold, deleted.count]).to.deep.equal([1, 0, 0])
  })

  it('writes nothing in a dry run, and says what it would log', async () => {
    await run()
    leave('n7')
    const before = await warehouse().logged()
    const {runId, deleted} = await reconcile({mode: 'dry-run'})
    expect([runId, deleted.keys]).to.deep.equal([undefined, [key('n7')]])
    expect(await warehouse().logged()).to.deep.equal(before)
  })

  it('leaves the stream free where it is stopped', async () => {
    await run()
    leave('n7')
    const stop = new AbortController()
    beforeListing = (number) => {
      if (number === 2) stop.abort(new Error('stopped by hand'))
    }
    expect(await refusal(reconcile({signal: stop.signal}))).to.include('stopped by hand')
    beforeListing = nothing
    expect(await deletions()).to.deep.equal([])
    await run({now: 3 * DAY})
  })
}
