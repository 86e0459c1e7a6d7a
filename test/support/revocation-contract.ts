import {expect} from 'chai'

import {codeOf} from '../../src/base/errors.ts'
import {createEvent} from '../../src/model/events.ts'
import {pastRuns} from '../../src/run/past-runs.ts'
import type {JsonObject} from '../../src/source.ts'
import {KNOWN_REQUIREMENT} from '../../src/warehouse/undone-runs.ts'
import {PRODUCTION, SCOPE} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'
import {DAY, type WarehouseUnderTest} from './warehouse-contract.ts'

/** What every warehouse makes of a log that says of runs that they were undone. */
export function describeRevocation(warehouse: () => WarehouseUnderTest): void {
  const log = async (payload: JsonObject): Promise<void> => {
    const event = (type: 'job.started' | 'run.undone' | 'job.completed', more: JsonObject) =>
      createEvent({type, runId: 'undoing', at: new Date(3 * DAY), payload: more})
    const about = {
      job: 'job',
      account: 'acct1',
      mode: 'production',
      streams: [],
      process: {host: 'x', pid: 1, token: ''},
    }
    const writer = await warehouse()
      .open()
      .begin({tables: PRODUCTION, runId: 'undoing', scopes: [SCOPE], started: () => event('job.started', about)})
    await writer.commit({runStartedAt: new Date(3 * DAY), records: [], loneRecords: [], events: [], rows: 0}, () => [
      event('run.undone', payload),
      event('job.completed', about),
    ])
    await writer.close()
  }
  const whose = (identity: string, bookmark: string) =>
    scriptedSource(() => [], {
      currentBookmark: () => Promise.resolve(bookmark),
      canResume: () => Promise.resolve(false),
      check: () => Promise.resolve({identity}),
      async *extract({reject}) {
        reject('bad', 'it is damaged')
        yield await Promise.resolve({records: [{id: 'a'}]})
      },
    })

  it('counts nothing of a run that was undone: coverage, bookmark, identity and rejects', async () => {
    await warehouse().run({source: whose('her', 'one'), now: DAY, runId: 'first'})
    const before = await warehouse().open().readStreamStates(PRODUCTION, [SCOPE])
    const covered = (await warehouse().open().describe(PRODUCTION)).streams.map((one) => one.covered)
    const {error} = await warehouse().run({source: whose('her', 'two'), now: 2 * DAY, runId: 'second'})
    expect(error).to.equal(undefined)
    expect(await warehouse().open().readStreamStates(PRODUCTION, [SCOPE])).to.not.deep.equal(before)
    await log({schema: 1, requires: 1, runs: ['second']})
    const open = warehouse().open()
    expect(await open.readStreamStates(PRODUCTION, [SCOPE])).to.deep.equal(before)
    expect((await open.describe(PRODUCTION)).streams.map((one) => one.covered)).to.deep.equal(covered)
    const rejects = await open.readRejects(PRODUCTION, {of: {job: 'job'}, closedToo: true, limit: 10})
    expect(rejects?.map((one) => [one.runId, one.open])).to.deep.equal([
      ['first', true],
      ['second', false],
    ])
    const runs = await pastRuns(await open.readRunEvents(PRODUCTION, {limit: 10}))
    expect(runs.map(({runId, outcome}) => [runId, outcome])).to.deep.equal([
      ['undoing', 'done'],
      ['second', 'undone'],
      ['first', 'done'],
    ])
  })

  it('refuses a log in which a newer lorchestra takes back what this one would count', async () => {
    await warehouse().run({source: whose('her', 'one'), now: DAY})
    await log({schema: 1, requires: KNOWN_REQUIREMENT + 1, runs: []})
    const reading = async () => warehouse().open().readStreamStates(PRODUCTION, [SCOPE])
    const refused = await reading().then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(codeOf(refused)).to.equal('E_TABLE_INCOMPATIBLE')
    expect(String(refused)).to.include('a newer lorchestra')
  })
}
