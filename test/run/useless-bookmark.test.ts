import {expect} from 'chai'

import {events} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun, silentLog, type ScriptedRun} from '../support/scripted-run.ts'
import {scriptedSource, windowOf, type ScriptedSource} from '../support/scripted-source.ts'
import type {Source} from '../../src/source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

const httpError = (status?: number): Error =>
  Object.assign(new Error('refused'), {name: 'HttpError', ...(status !== undefined && {status})})

/** The position that the feed of the source stands at now; what it is asked with `useless` it cannot answer. */
interface Feed {
  position: number
  useless: number
  error: Error
}

const asking = {
  'where it stands': (feed: Feed): Partial<Pick<Source, 'currentBookmark' | 'canResume' | 'extract'>> => ({
    currentBookmark: async ({bookmark}) => {
      if (bookmark === feed.useless) throw feed.error
      return Promise.resolve(feed.position)
    },
  }),
  'whether it can go on': (feed: Feed) => ({
    currentBookmark: () => Promise.resolve(feed.position),
    canResume: async ({bookmark}: {readonly bookmark?: unknown}) => {
      if (bookmark === feed.useless) throw feed.error
      return Promise.resolve(true)
    },
  }),
  'for its first page': (feed: Feed) => ({currentBookmark: () => Promise.resolve(feed.position)}),
}

describe('a bookmark that the source cannot even be asked with', () => {
  const records = [{id: 'old', at: DAY / 2}]
  let feed: Feed
  let source: ScriptedSource
  let warnings: string[]
  let day: number

  const sourceAsked = (when: keyof typeof asking, streams?: ScriptedSource['streams']): ScriptedSource =>
    scriptedSource(() => records, {
      ...(streams !== undefined && {streams: streams({})}),
      ...asking[when](feed),
      async *extract(context) {
        if (context.bookmark !== undefined && context.bookmark === feed.useless) throw feed.error
        if (context.bookmark === undefined) yield* windowOf(() => records)(context)
      },
    })
  const run = async (days: number, more: Partial<ScriptedRun> = {}) =>
    scriptedRun({
      source,
      folder: folder(),
      now: days * DAY,
      log: {...silentLog, warn: (message) => void warnings.push(message)},
      ...more,
    })
  const failsAndKeeps = async (error: Error): Promise<void> => {
    Object.assign(feed, {useless: 0, position: 1})
    await run((day += 1))
    Object.assign(feed, {useless: 1, position: 2, error})
    expect(await run((day += 1))).to.have.property('error')
    feed.useless = 0
    await run((day += 1))
    expect(source.calls.at(-1)).to.have.property('bookmark', 1)
  }
  const keptBookmarks = async (): Promise<unknown[]> =>
    (await events(databaseIn(folder()), 'ingestion.completed')).map(
      (event) => (event['payload'] as {bookmark?: {value: unknown}}).bookmark?.value,
    )

  beforeEach(() => {
    feed = {position: 1, useless: 0, error: new Error('this bookmark is of another place')}
    warnings = []
    day = 0
    records.splice(1)
  })

  for (const when of Object.keys(asking) as (keyof typeof asking)[]) {
    it(`is dropped with a word, and its time is read by windows, when it fails the question ${when}`, async () => {
      source = sourceAsked(when)
      expect(await run(1)).not.to.have.property('error')
      records.push({id: 'since', at: 1.5 * DAY})
      Object.assign(feed, {useless: 1, position: 2})
      const report = await run(2)
      expect(report).not.to.have.property('error')
      expect(report.counts).to.include({inserted: 1})
      expect(report.droppedBookmark).to.contain('this bookmark is of another place')
      expect(warnings.join()).to.contain('of no use (this bookmark is of another place)')
      feed.position = 3
      expect(await run(3)).not.to.have.property('droppedBookmark')
      expect(source.calls.at(-1), 'the new bookmark').to.have.property('bookmark', 2)
    })

    it(`stops neither --full nor a dry run when it fails the question ${when}`, async () => {
      source = sourceAsked(when)
      await run(1)
      Object.assign(feed, {useless: 1, position: 2})
      expect(await run(2, {mode: 'dry-run'})).not.to.have.property('error')
      expect(await run(2, {request: {full: true}})).not.to.have.property('error')
      await run(3)
      expect(source.calls.at(-1)).to.have.property('bookmark', 2)
    })

    it(`costs records without a time no more than reading them whole when it fails the question ${when}`, async () => {
      source = sourceAsked(when, () => [{objectType: 'thing', windowed: false}])
      await run(1)
      records.push({id: 'since', at: DAY / 4})
      Object.assign(feed, {useless: 1, position: 2})
      expect((await run(2)).counts).to.include({extracted: 2, inserted: 1})
      expect(await keptBookmarks()).to.deep.equal([1, 2])
    })

    it(`stays, and the run fails, for an error of the network when it is asked ${when}`, async () => {
      source = sourceAsked(when)
      await failsAndKeeps(httpError())
    })
  }

  it('is dropped where the service says that it is gone', async () => {
    source = sourceAsked('for its first page')
    await run(1)
    Object.assign(feed, {useless: 1, position: 2, error: new Error('says so', {cause: httpError(410)})})
    expect(await run(2)).to.have.property('droppedBookmark')
  })

  it('stays, and the run fails, where the service is busy, wants a pause, or refuses who asks', async () => {
    source = sourceAsked('for its first page')
    for (const status of [503, 429, 401]) await failsAndKeeps(new Error('wrapped', {cause: httpError(status)}))
  })

  it('is not blamed where the source cannot answer without it either', async () => {
    source = sourceAsked('where it stands')
    await run(1)
    source = scriptedSource(() => records, {currentBookmark: () => Promise.reject(new Error('turn it on first'))})
    expect(await run(2))
      .to.have.property('error')
      .that.has.property('message', 'turn it on first')
    expect(warnings).to.deep.equal([])
  })
})
