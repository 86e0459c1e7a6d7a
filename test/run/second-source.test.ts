import {expect} from 'chai'

import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import {events, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {Notebook, notebookSource} from '../support/notebook-source.ts'
import {databaseIn, scriptedRun, type ScriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

for (const feedFrom of ['currentBookmark', 'pages'] as const) {
  describe(`a source without time, with two object types, deletions and a bookmark from its ${feedFrom}`, () => {
    let notebook: Notebook
    let clock: number
    let source: ReturnType<typeof notebookSource>
    const run = async (more: Partial<ScriptedRun> = {}) => {
      clock += DAY
      const {error, ...report} = await scriptedRun({
        source,
        folder: folder(),
        now: clock,
        options: {notebook, ...(more.options as object | undefined)},
        ...('request' in more && {request: more.request ?? {}}),
        ...(more.mode !== undefined && {mode: more.mode}),
      })
      if (error !== undefined) throw error as Error
      return report
    }
    const stored = async () =>
      (await query(databaseIn(folder()), 'SELECT object_type, external_id FROM raw_objects ORDER BY ALL')).map(
        (row) => `${String(row['object_type'])}/${String(row['external_id'])}`,
      )

    beforeEach(() => {
      clock = 0
      notebook = new Notebook()
      notebook.put('folder', 'inbox', {})
      notebook.put('note', 'first', {text: 'hello'})
      notebook.put('note', 'second', {text: 'world'})
      source = notebookSource(feedFrom)
    })

    it('is read whole the first time, each object type into its own stream', async () => {
      const {counts} = await run()
      expect(counts).to.include({extracted: 3, inserted: 3})
      expect(await stored()).to.deep.equal(['folder/inbox', 'note/first', 'note/second'])
      const completed = await events(databaseIn(folder()), 'ingestion.completed')
      const counted = completed.map((event) => [
        event['object_type'],
        (event['payload'] as {counts: {inserted: number}}).counts.inserted,
      ])
      expect(counted.toSorted()).to.deep.equal([
        ['folder', 1],
        ['note', 2],
      ])
    })

    it('is read by its changes from then on', async () => {
      await run()
      notebook.put('note', 'first', {text: 'changed'})
      notebook.put('note', 'third', {})
      const {counts} = await run()
      expect(source.reads).to.deep.equal(['everything', 'changes'])
      expect(counts).to.include({extracted: 2, inserted: 1, updated: 1})
      const idle = await run()
      expect(source.reads.at(-1)).to.equal('changes')
      expect(idle.counts.extracted).to.equal(0)
    })

    it('has its deletions recorded as events, and the rows stay', async () => {
      await run()
      notebook.remove('note', 'first')
      const {counts} = await run()
      expect(counts).to.include({extracted: 0, deleted: 1})
      const [deleted] = await events(databaseIn(folder()), 'object.deleted')
      expect(deleted).to.include({object_type: 'note', idem_key: 'note:scripted--acct1:first', status: 'ok'})
      expect(await stored()).to.include('note/first')
    })

    it('is read whole again when its bookmark has expired, and by changes after that', async () => {
      await run()
      notebook.put('note', 'third', {})
      notebook.oldestPosition = notebook.position
      const {counts} = await run()
      expect(counts).to.include({extracted: 4, inserted: 1, unchanged: 3})
      await run()
      expect(source.reads).to.deep.equal(['everything', 'everything', 'changes'])
    })

    it('keeps no bookmark of a limited or a dry run, so nothing is skipped', async () => {
      await run({request: {limit: 1}})
      await run({mode: 'dry-run'})
      const {counts} = await run()
      expect(source.reads).to.deep.equal(['everything', 'everything', 'everything'])
      expect(counts).to.include({extracted: 3, inserted: 2, unchanged: 1})
    })

    it('is read whole with --full, and by changes after that', async () => {
      await run()
      await run({request: {full: true}})
      await run()
      expect(source.reads).to.deep.equal(['everything', 'everything', 'changes'])
    })

    it('has a test run that starts on its own', async () => {
      await run()
      await run({mode: 'test-table'})
      await run({mode: 'test-table'})
      expect(source.reads).to.deep.equal(['everything', 'everything', 'changes'])
    })
  })
}

describe('a change that happens while a source is being read', () => {
  it('is not lost: the bookmark was taken before', async () => {
    const notebook = new Notebook()
    notebook.put('note', 'first', {text: 'before'})
    const source = notebookSource('currentBookmark')
    const meanwhile = (): void => notebook.put('note', 'late', {})
    await scriptedRun({source, folder: folder(), now: DAY, options: {notebook, meanwhile}})
    const {counts} = await scriptedRun({source, folder: folder(), now: 2 * DAY, options: {notebook}})
    expect(source.reads).to.deep.equal(['everything', 'changes'])
    expect(counts.extracted).to.equal(1)
  })

  it('is not lost when the first run is interrupted: the bookmark of its first commit stays until all slices are read', async () => {
    let position = 0
    let broken = true
    const source = scriptedSource(() => [], {
      defaults: {slice: '1d', earliest: new Date(0).toISOString()},
      currentBookmark: () => Promise.resolve((position += 1)),
      async *extract({window}) {
        if (broken && window.since?.getTime() === 2 * DAY) throw new Error('interrupted')
        yield await Promise.resolve({records: [{id: window.until.toISOString()}]})
      },
    })
    const commitAfter = {records: 1, milliseconds: 1e9}
    await scriptedRun({source, folder: folder(), now: 4 * DAY, commitAfter})
    broken = false
    await scriptedRun({source, folder: folder(), now: 5 * DAY, commitAfter})
    await scriptedRun({source, folder: folder(), now: 6 * DAY, commitAfter})
    expect(source.calls.map(({since, bookmark}) => [since, bookmark])).to.deep.equal([
      [undefined, undefined],
      [DAY, undefined],
      [2 * DAY, undefined],
      [2 * DAY - CLOCK_TOLERANCE, undefined],
      [3 * DAY - CLOCK_TOLERANCE, undefined],
      [4 * DAY - CLOCK_TOLERANCE, undefined],
      [5 * DAY - CLOCK_TOLERANCE, undefined],
      [5 * DAY - CLOCK_TOLERANCE, 1],
    ])
  })
})
