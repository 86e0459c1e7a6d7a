import {expect} from 'chai'

import {messageWithCauses, outcomeOf} from '../../src/base/errors.ts'
import type {Source} from '../../src/source.ts'
import {Archive, archiveSource} from '../support/archive-source.ts'
import {events, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {messageOf} from '../support/message-of.ts'
import {databaseIn, scriptedRun, type ScriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

describe('a job that says sweep: 7d', () => {
  let archive: Archive
  let source: ReturnType<typeof archiveSource>
  let clock: number

  const run = async (more: Partial<ScriptedRun> = {}) => {
    clock += DAY
    return scriptedRun({source, folder: folder(), now: clock, sweep: 7 * DAY, ...more})
  }
  const stored = async (table = 'raw_objects'): Promise<readonly unknown[]> =>
    (await query(databaseIn(folder()), `SELECT external_id AS id FROM ${table} ORDER BY 1`)).map(({id}) => id)
  const sweeps = async () => (await events(databaseIn(folder()), 'keys.swept')).map(({payload}) => payload)
  const keysRead = (): readonly (readonly string[])[] =>
    source.calls.flatMap(({keys}) => (keys === undefined ? [] : [keys.map((key) => key.slice(-1))]))

  beforeEach(() => {
    clock = 100 * DAY
    archive = new Archive()
    source = archiveSource(archive)
    archive.add({id: 'a', at: 50 * DAY}, {id: 'b', at: 60 * DAY})
  })

  it('finds what turned up with a time that is long past, when a week has gone by', async () => {
    await run()
    archive.add({id: 'c', at: 40 * DAY}, {id: 'd', at: clock})
    await run()
    expect(await stored()).to.deep.equal(['a', 'b', 'd'])
    clock += 6 * DAY
    const report = await run()
    expect(report.error).to.equal(undefined)
    expect(report.swept).to.deep.equal({listed: 4, unknown: 1})
    expect(report.counts).to.include({listed: 1, extracted: 1, inserted: 1})
    expect(await stored()).to.deep.equal(['a', 'b', 'c', 'd'])
    expect(keysRead()).to.deep.equal([['c']])
    const next = await run()
    expect(next.swept).to.equal(undefined)
  })

  it('sweeps after its first run, too, and reads nothing of it twice', async () => {
    const {swept, counts, commits} = await run()
    expect(swept).to.deep.equal({listed: 2, unknown: 0})
    expect([counts.extracted, commits]).to.deep.equal([2, 1])
    expect(keysRead()).to.deep.equal([])
    expect(await sweeps()).to.deep.equal([
      {schema: 1, job: 'job', account: 'acct1', selection: 'all', keys: {listed: 2, unknown: 0}},
    ])
  })

  it('covers no more by it, and takes nothing away', async () => {
    await run()
    archive.add({id: 'c', at: 40 * DAY})
    archive.records.delete('a')
    clock += 7 * DAY
    const {windows, cursor} = await run()
    expect(windows).to.have.length(1)
    expect(cursor?.after).to.equal(clock)
    expect(await stored()).to.deep.equal(['a', 'b', 'c'])
    expect(await events(databaseIn(folder()), 'object.deleted')).to.deep.equal([])
    const partial = (await events(databaseIn(folder()), 'ingestion.completed')).map(
      ({payload}) => (payload as {partial?: string}).partial,
    )
    expect(partial.filter((kind) => kind !== undefined)).to.deep.equal(['sweep'])
  })

  it('wants nothing from before its start', async () => {
    archive.add({id: 'old', at: 10 * DAY})
    await run({start: 30 * DAY})
    expect(await stored()).to.deep.equal(['a', 'b'])
    expect(keysRead()).to.deep.equal([])
  })

  it('does not in a dry run, nor in one that is told what to read', async () => {
    const safe: Partial<ScriptedRun>[] = [
      {mode: 'dry-run'},
      {request: {limit: 1}},
      {request: {since: 90 * DAY}},
      {request: {until: 90 * DAY}},
    ]
    for (const more of safe) expect((await run(more)).swept, JSON.stringify(more)).to.equal(undefined)
  })

  it('has a test run that sweeps for itself', async () => {
    await run()
    const {swept} = await run({mode: 'test-table'})
    expect(swept).to.deep.equal({listed: 2, unknown: 0})
    expect(await stored('test_raw_objects')).to.deep.equal(['a', 'b'])
  })

  it('sweeps for each job and selection', async () => {
    await run()
    expect((await run({job: 'another'})).swept).not.to.equal(undefined)
    expect((await run({selection: 'another'})).swept).not.to.equal(undefined)
    expect((await run()).swept).to.equal(undefined)
  })

  it('tries again where the listing broke off, and keeps what the windows brought', async () => {
    archive.add(...Array.from({length: 300}, (_, index) => ({id: `n${index}`, at: index})))
    archive.breaksAfter = 200
    const broken = await run()
    expect(messageWithCauses(broken.error)).to.include('the list broke off')
    expect(await sweeps()).to.deep.equal([])
    expect(await stored()).to.have.length(302)
    archive.breaksAfter = Infinity
    expect((await run()).swept).to.deep.equal({listed: 302, unknown: 0})
  })

  it('reads very many in several calls, commits in between, and counts those that are gone', async () => {
    await run()
    archive.add(...Array.from({length: 2500}, (_, index) => ({id: `n${index}`, at: index})))
    archive.vanished.add('n7')
    clock += 7 * DAY
    const {swept, counts, commits} = await run({commitAfter: {records: 1000, milliseconds: 1e9}})
    expect(swept).to.deep.equal({listed: 2502, unknown: 2500})
    expect(counts).to.include({listed: 2500, inserted: 2499, gone: 1})
    expect(source.calls.flatMap(({keys}) => (keys === undefined ? [] : [keys.length]))).to.deep.equal([1000, 1000, 500])
    expect(commits).to.be.above(2)
  })

  const withKeys = (listKeys: Source['listKeys'], extract: Source['extract'] = async function* () {}): void => {
    source = scriptedSource(() => [], {listKeys, extract})
  }

  it('fails where a record that was listed is neither yielded nor accounted for', async () => {
    withKeys(async function* ({streams: [stream]}) {
      yield await Promise.resolve([`thing:${stream?.sourceSystem ?? ''}:lost`])
    })
    expect(messageWithCauses((await run()).error)).to.include('listed 1 records of thing but accounted for 0')
  })

  it('fails where a key is of none of the streams, or no key at all', async () => {
    withKeys(async function* () {
      yield await Promise.resolve(['other:elsewhere:1'])
    })
    expect(messageWithCauses((await run()).error)).to.include('listed a key that is none of its streams')
    withKeys(async function* () {
      yield await Promise.resolve([1] as unknown as string[])
    })
    expect(messageWithCauses((await run()).error)).to.include('keys that are no list of texts')
  })

  it('is refused, with nothing asked or written, where the source cannot list its keys', async () => {
    source = scriptedSource(() => [])
    const refused = run()
    expect(await messageOf(refused)).to.include('says sweep, but the source scripted cannot list its keys')
    expect(outcomeOf(await refused.catch((error: unknown) => error))).to.equal('usage')
  })
})
