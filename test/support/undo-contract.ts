import {expect} from 'chai'

import {codeOf, outcomeOf} from '../../src/base/errors.ts'
import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import {pastRuns} from '../../src/run/past-runs.ts'
import type {RunToUndo, UndoReport} from '../../src/run/undo-run.ts'
import {breakingIn} from './breaking-writer.ts'
import {promote as promoteIn} from './promoting.ts'
import {Random, seedFromEnvironment} from './random.ts'
import {PRODUCTION, SCOPE, type ScriptedRun} from './scripted-run.ts'
import {scriptedSource, type ScriptedRecord} from './scripted-source.ts'
import {undo as undoIn} from './undoing.ts'
import {DAY, yielding, type WarehouseUnderTest} from './warehouse-contract.ts'

const MINUTE = 60_000
const full = {full: true, refetch: true}
const key = (id: string): string => `thing:scripted--acct1:${id}`

interface Scale {
  /** So many random sequences are tried. */
  readonly sequences: number
  readonly runsInEach: number
  /** Makes an emulator remember what the table holds, which the service itself always does. */
  readonly remember?: () => Promise<void>
}

/** What undoing runs promises on every warehouse. */
export function describeUndo(warehouse: () => WarehouseUnderTest, {sequences, runsInEach, remember}: Scale): void {
  const undo = async (runId: string, more: Partial<RunToUndo> = {}): Promise<UndoReport> =>
    undoIn(() => warehouse().open(), runId, more)
  const promote = async () => {
    await remember?.()
    return promoteIn(() => warehouse().open(), {scopes: [SCOPE]})
  }
  const run = async (scripted: Omit<ScriptedRun, 'folder'>, said?: string): Promise<string> => {
    await remember?.()
    const {error, runId} = await warehouse().run(scripted)
    expect(error, said).to.equal(undefined)
    return runId
  }
  const refusal = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => {
        throw new Error('it was not refused')
      },
      (thrown: unknown) => thrown,
    )
  /** All that an undo gives back. */
  const look = async () => {
    const open = warehouse().open()
    return {
      rows: await warehouse().stored(),
      states: await open.readStreamStates(PRODUCTION, [SCOPE]),
      covered: (await open.describe(PRODUCTION)).streams,
    }
  }
  const outcomes = async () =>
    (await pastRuns(await warehouse().open().readRunEvents(PRODUCTION, {limit: 100}))).map((one) => one.outcome)
  const snapshot = async () => [await warehouse().stored(), await warehouse().logged()]

  /** Rows that a run found unchanged were seen by it, and say so. */
  function expectFormer(
    now: Awaited<ReturnType<typeof look>>,
    before: Awaited<ReturnType<typeof look>>,
    said?: string,
  ) {
    const former = before.rows.map(({lastSeen: _, ...row}) => row)
    expect(
      now.rows.map(({lastSeen: _, ...row}) => row),
      said,
    ).to.deep.equal(former)
    expect(
      now.rows.filter(({lastSeen}, index) => lastSeen < (before.rows[index]?.lastSeen ?? 0) - 10 * MINUTE),
      said,
    ).to.deep.equal([])
    expect([now.states, now.covered], said).to.deep.equal([before.states, before.covered])
  }

  it('takes away what a run inserted, gives back what it changed, and reads its window again', async () => {
    const first = [
      {id: 'a', at: 1, n: 1},
      {id: 'b', at: 2, n: 1},
    ]
    await run({source: scriptedSource(() => first), now: DAY})
    const before = await look()
    const records = [...first, {id: 'a', at: DAY + 1, n: 2}, {id: 'c', at: DAY + 2}]
    const source = scriptedSource(() => records)
    const runId = await run({source, now: 2 * DAY})
    const {streams, undone, runs} = await undo(runId)
    expect(streams.map(({removed, restored}) => [removed, restored])).to.deep.equal([[1, 1]])
    expect(undone?.cursor).to.equal(DAY)
    expect(runs.map((one) => one.runId)).to.deep.equal([runId])
    expect(await look()).to.deep.equal(before)
    expect(await outcomes()).to.deep.equal(['done', 'undone', 'done'])
    source.calls.splice(0)
    expect((await warehouse().run({source, now: 2 * DAY})).counts).to.include({inserted: 1, updated: 1})
    expect(source.calls.map(({since}) => since)).to.deep.equal([DAY - 10 * MINUTE])
  })

  it('leaves alone what the run found unchanged, but for when it was seen', async () => {
    await run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: DAY})
    const runId = await run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 2}), now: 2 * DAY, request: full})
    const {streams} = await undo(runId)
    expect(streams).to.deep.equal([{stream: SCOPE.stream, removed: 0, restored: 1, left: 1, isExact: true}])
    expect(await warehouse().stored()).to.deep.equal([
      {key: key('a'), payload: {id: 'a', n: 1}, firstSeen: DAY, lastSeen: 2 * DAY},
      {key: key('b'), payload: {id: 'b', n: 1}, firstSeen: DAY, lastSeen: DAY},
    ])
  })

  it('gives back what a run changed, although a run that was undone saw it since', async () => {
    await run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: DAY})
    const before = await look()
    const changed = await run({source: yielding({id: 'a', n: 2}, {id: 'c', n: 1}), now: 2 * DAY, request: full})
    const afterwards = await look()
    const records = yielding({id: 'a', n: 2}, {id: 'c', n: 2}, {id: 'd', n: 1})
    await undo(await run({source: records, now: 3 * DAY, request: full}))
    expectFormer(await look(), afterwards)
    const {streams} = await undo(changed)
    expect(streams.map(({removed, restored}) => [removed, restored])).to.deep.equal([[1, 1]])
    expectFormer(await look(), before)
  })

  it('gives back rows, coverage and what comes next as they were before, whatever runs did', async () => {
    const seed = seedFromEnvironment()
    for (let sequence = 0; sequence < Number(process.env['SEQUENCES'] ?? sequences); sequence += 1) {
      const random = new Random(seed + sequence)
      const said = `SEED=${seed + sequence}`
      const account = `random${sequence}`
      const scope = {...SCOPE, account, stream: {...SCOPE.stream, sourceSystem: `scripted--${account}`}}
      const ofAccount = async () => {
        const {rows, covered} = await look()
        return {
          rows: rows.filter(({key: one}) => one.includes(account)),
          states: await warehouse().open().readStreamStates(PRODUCTION, [scope]),
          covered: covered.filter((stream) => stream.account === account),
        }
      }
      const befores: {readonly runId: string; readonly before: Awaited<ReturnType<typeof look>>}[] = []
      for (let number = 0, now = DAY, latest = DAY; number < runsInEach; number += 1) {
        const before = await ofAccount()
        latest = Math.max(latest, now)
        const setBack = now - 3 * MINUTE - number
        now = random.chance(0.3) && setBack >= latest - CLOCK_TOLERANCE ? setBack : latest + DAY
        const source = scriptedSource(() => someRecords, {defaults: {slice: '6h'}})
        const someRecords = randomRecords(random, now)
        const request = random.chance(0.5) ? full : {}
        const commitAfter = {records: 2, milliseconds: 300_000}
        const runId = await run({source, now, account, start: 0, request, commitAfter}, said)
        befores.push({runId, before})
      }
      while (befores.length > 0) {
        const [wanted] = befores.splice(random.integer(0, befores.length - 1))
        const {commits = []} = (await pastRunsById()).get(wanted?.runId ?? '') ?? {}
        if (wanted === undefined || commits.length === 0) continue
        const {runs} = await undo(wanted.runId, {through: true})
        expect(runs[0]?.runId, said).to.equal(wanted.runId)
        expectFormer(await ofAccount(), wanted.before, said)
      }
    }
  })
  const pastRunsById = async () => {
    const all = await pastRuns(await warehouse().open().readRunEvents(PRODUCTION, {limit: 1000}))
    return new Map(all.map((one) => [one.runId, one]))
  }

  it('refuses where later runs read the same stream, names them, and takes all of them back with --through', async () => {
    const before = await look()
    const first = await run({source: yielding({id: 'a', n: 1}), now: DAY})
    const second = await run({source: yielding({id: 'a', n: 2}), now: 2 * DAY, request: full})
    const untouched = await snapshot()
    const refused = await refusal(undo(first))
    expect([codeOf(refused), outcomeOf(refused)]).to.deep.equal(['E_UNDO_REFUSED', 'usage'])
    expect(String(refused)).to.include(`1 later run read the same stream: ${second} (0 inserted, 1 updated)`)
    expect(await snapshot()).to.deep.equal(untouched)
    const {runs} = await undo(first, {through: true})
    expect(runs.map(({runId}) => runId)).to.deep.equal([first, second])
    expect(await look()).to.deep.equal(before)
  })

  it('leaves the runs of other streams alone', async () => {
    const runId = await run({source: yielding({id: 'a'}), now: DAY})
    await run({source: yielding({id: 'a'}), now: 2 * DAY, account: 'other'})
    await undo(runId)
    expect((await warehouse().stored()).map((row) => row.key)).to.deep.equal(['thing:scripted--other:a'])
  })

  it('writes nothing in a dry run, and says what it would take away and give back', async () => {
    await run({source: yielding({id: 'a', n: 1}), now: DAY})
    const runId = await run({source: yielding({id: 'a', n: 2}, {id: 'b'}), now: 2 * DAY, request: full})
    const before = await snapshot()
    const {streams, undone} = await undo(runId, {mode: 'dry-run'})
    expect(undone).to.equal(undefined)
    expect(streams[0]).to.deep.include({stream: SCOPE.stream, removed: 1, restored: 1, left: 0})
    expect(await snapshot()).to.deep.equal(before)
  })

  it('refuses rows that somebody changed without a word, and writes nothing', async () => {
    await run({source: yielding({id: 'a', n: 1}), now: DAY})
    const runId = await run({source: yielding({id: 'a', n: 2}, {id: 'b'}), now: 2 * DAY, request: full})
    await warehouse().removeRow('raw_objects', key('b'))
    const before = await warehouse().stored()
    const refused = await refusal(undo(runId))
    expect([codeOf(refused), outcomeOf(refused)]).to.deep.equal(['E_UNDO_REFUSED', 'failed'])
    expect(String(refused)).to.include('tells of 1 inserted rows of scripted--acct1/thing, and 0 are there')
    expect(await warehouse().stored()).to.deep.equal(before)
    expect(await outcomes()).to.not.include('undone')
  })

  it('refuses two runs that began at the same moment: nobody can tell their rows apart', async () => {
    await run({source: yielding({id: 'a'}), now: DAY})
    const runId = await run({source: yielding({id: 'b'}), now: DAY, request: full})
    expect(codeOf(await refusal(undo(runId)))).to.equal('E_UNDO_REFUSED')
    expect((await warehouse().stored()).length).to.equal(2)
  })

  it('refuses what is unknown, a test run, what committed nothing, what was undone before, and an undo', async () => {
    expect(codeOf(await refusal(undo('nobody')))).to.equal('E_RUN_UNKNOWN')
    const tested = await run({source: yielding({id: 'a'}), now: DAY, mode: 'test-table'})
    expect(String(await refusal(undo(tested)))).to.include('is a test run')
    const runId = await run({source: yielding({id: 'a'}), now: DAY})
    const {undone} = await undo(runId)
    expect(String(await refusal(undo(runId)))).to.include('was undone before')
    expect(String(await refusal(undo(undone?.runId ?? '')))).to.include('cannot be undone')
    const failing = scriptedSource(() => [], {
      extract: () => {
        throw new Error('the ink is dry')
      },
    })
    const {runId: failed} = await warehouse().run({source: failing, now: 2 * DAY})
    expect(String(await refusal(undo(failed)))).to.include('has committed nothing')
  })

  it('takes back what a failed run has kept, and refuses a run that is under way', async () => {
    const before = await look()
    let meanwhile: unknown
    const source = scriptedSource(() => [], {
      defaults: {slice: '1d'},
      async *extract({window}) {
        if (window.until.getTime() > DAY) {
          meanwhile = await refusal(undo('failing'))
          throw new Error('the ink is dry')
        }
        yield await Promise.resolve({records: [{id: 'a'}]})
      },
    })
    const commitAfter = {records: 1, milliseconds: 300_000}
    await warehouse().run({source, now: 2 * DAY, start: 0, runId: 'failing', commitAfter})
    expect(outcomeOf(meanwhile)).to.equal('busy')
    expect((await warehouse().stored()).length).to.equal(1)
    await undo('failing')
    expect(await look()).to.deep.equal(before)
  })

  it('undoes a promotion, which can be made again', async () => {
    await run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: DAY})
    const before = await look()
    await run({source: yielding({id: 'a', n: 2}, {id: 'b', n: 1}, {id: 'c'}), now: 2 * DAY, mode: 'test-table'})
    const {promoted} = await promote()
    const after = await warehouse().stored()
    const {streams} = await undo(promoted?.runId ?? '')
    expect(streams.map(({removed, restored}) => [removed, restored])).to.deep.equal([[1, 1]])
    expect(await look()).to.deep.equal(before)
    const again = await promote()
    expect(again.promoted?.counts).to.include({inserted: 1, updated: 1})
    expect(await warehouse().stored()).to.deep.equal(after)
    await run({source: yielding({id: 'c', n: 3}, {id: 'd'}), now: 3 * DAY, mode: 'test-table', request: full})
    const more = await promote()
    await undo(more.promoted?.runId ?? '')
    expect(await warehouse().stored()).to.deep.equal(after)
  })

  it('undoes a promotion of which an attempt before broke off', async () => {
    await run({source: yielding({id: 'a', n: 1}), now: DAY})
    const before = await look()
    await run({source: yielding({id: 'a', n: 2}, {id: 'b'}), now: 2 * DAY, mode: 'test-table'})
    const breaking = () => breakingIn('promote', warehouse().open())
    expect(await promoteIn(breaking, {scopes: [SCOPE]}).then(String, String)).to.include('the connection broke')
    const {promoted} = await promote()
    expect(promoted?.counts).to.include({inserted: 1, updated: 1})
    await undo(promoted?.runId ?? '')
    expect(await look()).to.deep.equal(before)
  })
}

function randomRecords(random: Random, now: number): readonly ScriptedRecord[] {
  return Array.from({length: random.integer(0, 5)}, () => ({
    id: `r${random.integer(0, 5)}`,
    at: Math.max(0, now - random.integer(1, 1.5 * DAY)),
    n: random.integer(0, 2),
  })).toSorted((one, other) => one.at - other.at)
}
