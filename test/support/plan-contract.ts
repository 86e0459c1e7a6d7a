import {readdir} from 'node:fs/promises'

import {expect} from 'chai'

import {codeOf, outcomeOf, stopped} from '../../src/base/errors.ts'
import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import {readPlan} from '../../src/run/read-plan.ts'
import type {Warehouse} from '../../src/warehouse/warehouse.ts'
import {breakingIn} from './breaking-writer.ts'
import {afterCommit, applyApart} from './apply-apart.ts'
import {apply, planOf, SETTINGS, withoutDigests, type ToApply} from './planned-run.ts'
import {Random, seedFromEnvironment} from './random.ts'
import type {ScriptedRun} from './scripted-run.ts'
import {scriptedSource, type ScriptedRecord} from './scripted-source.ts'
import {undo as undoIn} from './undoing.ts'
import {DAY, yielding, type WarehouseUnderTest} from './warehouse-contract.ts'

const HOUR = 3_600_000
const full = {full: true}
type Run = Omit<ScriptedRun, 'folder'>

/** Several commits: one record of each hour, the last of which changes what an earlier one wrote. */
const hourly = (hours: number): Run => {
  const records: readonly ScriptedRecord[] = [
    ...Array.from({length: hours}, (_, hour) => ({id: `r${hour}`, at: hour * HOUR, n: hour})),
    {id: 'r0', at: (hours - 1) * HOUR + 1, n: 'again'},
  ]
  return {
    source: scriptedSource(() => records, {defaults: {slice: '1h'}}),
    start: 0,
    now: hours * HOUR,
    commitAfter: {records: 1, milliseconds: 300_000},
  }
}

/** What saved plans promise on every warehouse. */
export function describePlans(
  warehouse: () => WarehouseUnderTest,
  {
    steps,
    remember = () => Promise.resolve(),
  }: {
    /** So many runs are in a random sequence. */
    readonly steps: number
    /** Makes an emulator remember what the table holds, which the service itself always does. */
    readonly remember?: () => Promise<void>
  },
): void {
  const made = async (run: Run): Promise<string> => {
    const {path, run: finished} = await planOf(warehouse(), run)
    expect(finished.report.error).to.equal(undefined)
    return path
  }
  const refusal = async (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => {
        throw new Error('it was not refused')
      },
      (thrown: Error) => thrown,
    )
  const refused = async (path: string, more: ToApply = {}): Promise<Error> => refusal(apply(warehouse(), path, more))
  const undo = async (runId: string, through = false) => undoIn(() => warehouse().open(), runId, {through})
  const snapshot = async () => [await warehouse().stored(), await warehouse().logged()]
  /** Rows and log of an account, but for what differs from run to run, and what is carried of the log before. */
  const told = async (account: string, runIds: readonly string[]) => {
    const plain = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll(account, 'ACCOUNT')) as unknown
    const rows = (await warehouse().stored()).filter(({key}) => key.includes(account))
    const events = (await warehouse().logged())
      .filter(({runId, type}) => runIds.includes(runId) && !/^job\.|^plan\.applied$|^state\.carried$/.test(type))
      .map(({runId: _, payload, ...event}) => {
        const {duration_seconds: __, bytes_billed: ___, ...rest} = payload ?? {}
        return {...event, payload: rest}
      })
    return {rows: rows.map(plain), events: events.map((event) => JSON.stringify(plain(event))).toSorted()}
  }

  it('does what the run would have done: rows, log, and where the next run begins', async () => {
    const one = (account: string): Run => ({
      account,
      source: scriptedSource(() => [], {
        async *extract({reject}) {
          reject('no key', 'it has none')
          yield {
            records: [{id: 'a', n: 2}, {id: 'b'}, {id: 'c'}, {id: 'c', last: true}],
            deleted: [`thing:scripted--${account}:gone`],
          }
        },
        currentBookmark: () => Promise.resolve({since: 2, and: {x: 1, a: [1]}}),
      }),
      now: 2 * DAY,
      request: {full: true},
    })
    for (const account of ['direct', 'planned'])
      await warehouse().run({account, source: yielding({id: 'a', n: 1}, {id: 'b'}), now: DAY})
    const direct = await warehouse().run(one('direct'))
    const before = await snapshot()
    const path = await made(one('planned'))
    expect(await snapshot()).to.deep.equal(before)
    const applied = await apply(warehouse(), path)
    expect(applied.counts).to.deep.equal(direct.counts)
    expect(applied).to.include({commits: 1, earlierCommits: 0, firstRejects: 1})
    expect(await told('planned', [applied.runId ?? ''])).to.deep.equal(await told('direct', [direct.runId]))
    const next = await Promise.all(
      ['direct', 'planned'].map(async (account) => {
        const source = scriptedSource(() => [], {canResume: () => Promise.resolve(true)})
        const {cursor} = await warehouse().run({account, source, now: 3 * DAY, mode: 'dry-run'})
        return {cursor, calls: source.calls}
      }),
    )
    expect(next[1]).to.deep.equal(next[0])
  })

  it('makes several commits as the run would have, and logs the plan with each', async () => {
    const direct = await warehouse().run({...hourly(3), account: 'direct'})
    const path = await made({...hourly(3), account: 'planned'})
    const {runId = '', commits} = await apply(warehouse(), path)
    expect(commits).to.equal(3)
    expect(await told('planned', [runId])).to.deep.equal(await told('direct', [direct.runId]))
    const {id, file} = await readPlan(path)
    await file.close()
    const logged = (await warehouse().logged()).filter((event) => event.runId === runId)
    expect(logged.filter(({type}) => type === 'plan.applied').map(({payload}) => payload)).to.have.deep.members(
      [1, 2, 3].map((commit) => ({schema: 1, plan: id, commit})),
    )
    expect(logged.find(({type}) => type === 'job.completed')?.payload).to.deep.include({commits: 3})
  })

  it('is refused a second time, on a warehouse that was empty too', async () => {
    const path = await made({source: yielding({id: 'a'}), now: DAY})
    const {runId = ''} = await apply(warehouse(), path)
    const before = await snapshot()
    for (const mode of ['production', 'dry-run'] as const) {
      const error = await refused(path, {mode})
      expect(outcomeOf(error)).to.equal('usage')
      expect(codeOf(error)).to.equal('E_PLAN_REFUSED')
      expect(String(error)).to.include(`applied already by run ${runId}`)
    }
    expect(await snapshot()).to.deep.equal(before)
  })

  it('is refused where another run committed since', async () => {
    const path = await made({source: yielding({id: 'a'}), now: DAY})
    const {runId} = await warehouse().run({source: yielding({id: 'b'}), now: DAY + 1, job: 'another'})
    const before = await snapshot()
    for (const mode of ['production', 'dry-run'] as const) {
      const error = await refused(path, {mode})
      expect(outcomeOf(error)).to.equal('failed')
      expect(codeOf(error)).to.equal('E_PLAN_STALE')
      expect(String(error)).to.include(`production moved since this plan was made: run ${runId} committed 1 record`)
    }
    expect(await snapshot()).to.deep.equal(before)
  })

  it('heeds no run of another stream', async () => {
    const path = await made({source: yielding({id: 'a'}), now: DAY})
    await warehouse().run({source: yielding({id: 'b'}), now: DAY + 1, account: 'other'})
    expect((await apply(warehouse(), path)).counts).to.include({inserted: 1})
  })

  it('is applied although an undo was begun since, and broke off', async () => {
    const {runId} = await warehouse().run({source: yielding({id: 'a'}), now: DAY})
    const path = await made({source: yielding({id: 'b'}), now: 2 * DAY, request: full})
    const broken = undoIn(() => breakingIn('undo', warehouse().open()), runId)
    expect(String(await refusal(broken))).to.include('the connection broke')
    expect((await apply(warehouse(), path)).counts).to.include({inserted: 1})
  })

  it('is refused where a run was undone since, and can itself be undone, and is refused from then on', async () => {
    const {runId: first} = await warehouse().run({source: yielding({id: 'a', n: 1}), now: DAY})
    const path = await made({source: yielding({id: 'a', n: 2}, {id: 'b'}), now: 2 * DAY, request: full})
    const rows = await warehouse().stored()
    await remember()
    const {runId = ''} = await apply(warehouse(), path)
    const undone = await undo(runId)
    expect(undone.streams.map(({removed, restored}) => [removed, restored])).to.deep.equal([[1, 1]])
    expect(await warehouse().stored()).to.deep.equal(rows)
    const error = await refused(path)
    expect(codeOf(error)).to.equal('E_PLAN_STALE')
    expect(String(error)).to.include('took runs back')
    const another = await planOf(warehouse(), {source: yielding({id: 'c'}), now: 3 * DAY}, {name: 'another'})
    await undo(first)
    expect(codeOf(await refused(another.path))).to.equal('E_PLAN_STALE')
  })

  it('writes nothing where somebody who logged nothing changed rows, and the log says that it failed', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: DAY})
    const path = await made({source: yielding({id: 'a', n: 2}, {id: 'b', n: 1}), now: 2 * DAY, request: full})
    await warehouse().removeRow('raw_objects', 'thing:scripted--acct1:b')
    const rows = await warehouse().stored()
    for (const mode of ['dry-run', 'production'] as const) {
      const error = await refused(path, {mode})
      expect(codeOf(error)).to.equal('E_PLAN_STALE')
      expect(String(error)).to.include('somebody who logged nothing changed rows')
    }
    expect(await warehouse().stored()).to.deep.equal(rows)
    const last = (await warehouse().logged()).filter(({type}) => type === 'job.failed')
    expect(last.map(({error}) => error)).to.have.length(1)
    expect((await warehouse().run({source: yielding({id: 'b', n: 1}), now: 3 * DAY})).error).to.equal(undefined)
  })

  it('writes nothing where what it would replace, add or leave was changed by hand, and no number tells', async () => {
    const key = (id: string): string => `thing:scripted--acct1:${id}`
    const things = [
      {id: 'a', n: 1},
      {id: 'b', n: 1},
      {id: 'c', n: 1},
    ]
    await warehouse().run({source: yielding(...things), now: DAY})
    const planned = yielding({id: 'a', n: 2}, {id: 'b', n: 1}, {id: 'c', n: 1}, {id: 'd', n: 1})
    const path = await made({source: planned, now: 2 * DAY, request: full})
    const {edit, removeRow, copyRow} = warehouse()
    const edits: readonly (readonly [string, () => Promise<void>, () => Promise<void>])[] = [
      ['another value is to be replaced', () => edit(key('a'), {id: 'a', n: 9}), () => edit(key('a'), {id: 'a', n: 1})],
      [
        'what changes is the same, and what is the same changes',
        async () => {
          await edit(key('a'), {id: 'a', n: 2})
          await edit(key('b'), {id: 'b', n: 9})
        },
        async () => {
          await edit(key('a'), {id: 'a', n: 1})
          await edit(key('b'), {id: 'b', n: 1})
        },
      ],
      [
        'what is new is there, and what is there is gone',
        async () => {
          await copyRow(key('c'), key('d'))
          await edit(key('d'), {id: 'd', n: 1})
          await removeRow('raw_objects', key('c'))
        },
        async () => {
          await copyRow(key('d'), key('c'))
          await edit(key('c'), {id: 'c', n: 1})
          await removeRow('raw_objects', key('d'))
        },
      ],
    ]
    for (const [what, change, back] of edits) {
      await change()
      const rows = await warehouse().stored()
      for (const mode of ['dry-run', 'production'] as const) {
        const error = await refused(path, {mode})
        expect(codeOf(error), what).to.equal('E_PLAN_STALE')
        expect(String(error), what).to.include('somebody who logged nothing changed rows')
      }
      expect(await warehouse().stored(), what).to.deep.equal(rows)
      await back()
    }
    expect((await apply(warehouse(), path)).counts).to.include({inserted: 1, updated: 1, unchanged: 2})
  })

  it('writes nothing where a row that is to be left says by now that it was read later', async () => {
    await warehouse().run({source: yielding({id: 'a'}), now: DAY})
    const path = await made({source: yielding({id: 'a'}, {id: 'b'}), now: 2 * DAY, request: full})
    await warehouse().setLastSeen(2 * DAY + CLOCK_TOLERANCE + 1000)
    expect(codeOf(await refused(path))).to.equal('E_PLAN_STALE')
    expect((await warehouse().stored()).map(({key}) => key)).to.deep.equal(['thing:scripted--acct1:a'])
  })

  it('goes by numbers alone where the plan is one of the first, which say nothing else', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}), now: DAY})
    const path = await made({source: yielding({id: 'a', n: 2}), now: 2 * DAY, request: full})
    await withoutDigests(path)
    await warehouse().edit('thing:scripted--acct1:a', {id: 'a', n: 9})
    expect((await apply(warehouse(), path)).counts).to.include({updated: 1})
  })

  it('compares in a dry run, and writes nothing', async () => {
    await warehouse().run({source: yielding({id: 'r0'}), now: -DAY})
    const path = await made(hourly(3))
    const before = await snapshot()
    const dry = await apply(warehouse(), path, {mode: 'dry-run'})
    expect(dry).to.deep.include({runId: undefined, commits: 3})
    expect(await snapshot()).to.deep.equal(before)
    expect((await apply(warehouse(), path)).counts).to.deep.equal(dry.counts)
  })

  it('is refused before anything is contacted: expired, of the future, another id, another warehouse, other tables', async () => {
    const path = await made({source: yielding({id: 'a'}), now: DAY})
    const untouched = (): Warehouse => {
      throw new Error('the warehouse was opened')
    }
    const {tables, settings} = SETTINGS
    const attempts: readonly (readonly [string, ToApply])[] = [
      ['expired', {now: Date.now() + DAY + 1}],
      ['in the future', {now: Date.now() - DAY}],
      ['not 0000', {expected: '0000'}],
      ['was made for', {settings: {...SETTINGS, settings: {...settings, path: '/elsewhere.duckdb'}}}],
      ['was made for', {settings: {...SETTINGS, tables: {...tables, rawObjects: 'others'}}}],
    ]
    for (const [words, more] of attempts) {
      const error = await refused(path, {...more, warehouse: untouched})
      expect(String(error)).to.include(words)
      expect([outcomeOf(error), codeOf(error)]).to.deep.equal(['usage', 'E_PLAN_REFUSED'])
    }
    const {id, file} = await readPlan(path)
    await file.close()
    expect((await apply(warehouse(), path, {expected: id})).commits).to.equal(1)
  })

  it('goes on where a run was killed, before or after any of its commits', async () => {
    await warehouse().run({...hourly(3), account: 'direct', runId: 'direct'})
    const path = await made({...hourly(3), account: 'planned'})
    await remember()
    for (const [commit, when] of [
      [1, 'before'],
      [1, 'after'],
      [1, 'before'],
      [1, 'after'],
    ] as const) {
      expect(await applyApart(warehouse(), path, {commit, when})).to.equal('killed')
    }
    const {commits, earlierCommits, runId = ''} = await apply(warehouse(), path)
    expect({commits, earlierCommits}).to.deep.equal({commits: 1, earlierCommits: 2})
    const done = (await warehouse().logged()).filter(({type}) => type === 'plan.applied').map((event) => event.runId)
    expect(await told('planned', done)).to.deep.equal(await told('direct', ['direct']))
    expect(String(await refused(path))).to.include('applied already')
    const first = (await warehouse().logged()).find(
      ({payload}) => payload?.['commit'] === 1 && payload['plan'] !== undefined,
    )?.runId
    const alone = await refusal(undo(runId))
    expect(codeOf(alone)).to.equal('E_UNDO_REFUSED')
    expect(String(alone)).to.include(`run ${first ?? ''} applied`)
    await undo(first ?? '', true)
    expect((await warehouse().stored()).filter(({key}) => key.includes('planned'))).to.deep.equal([])
  })

  it('goes on where it was stopped between two commits, and the log says so', async () => {
    const path = await made(hourly(3))
    const stop = new AbortController()
    const stopping = (real: Warehouse): Warehouse => afterCommit(real, () => stop.abort(stopped('SIGINT')))
    const error = await refused(path, {signal: stop.signal, warehouse: stopping})
    expect(outcomeOf(error)).to.equal('interrupted')
    const failed = (await warehouse().logged()).filter(({type}) => type === 'job.failed')
    expect(failed.map(({payload}) => payload?.['commits'])).to.deep.equal([1])
    expect(await apply(warehouse(), path)).to.include({commits: 2, earlierCommits: 1})
  })

  it('goes on where another process applied a part of it between two looks at production', async () => {
    const path = await made(hourly(2))
    let looks = 0
    const between = (real: Warehouse): Warehouse =>
      new Proxy(real, {
        get(target, name) {
          if (name === 'readStreamStates')
            return async (...given: Parameters<Warehouse['readStreamStates']>) => {
              const states = await target.readStreamStates(...given)
              looks += 1
              if (looks === 1)
                expect(await applyApart(warehouse(), path, {commit: 1, when: 'after'})).to.equal('killed')
              return states
            }
          const member: unknown = Reflect.get(target, name, target)
          return typeof member === 'function' ? (member.bind(target) as unknown) : member
        },
      })
    expect(await apply(warehouse(), path, {warehouse: between})).to.include({commits: 1, earlierCommits: 1})
  })

  it('is applied once where two do it at the same time', async () => {
    const path = await made(hourly(2))
    const never = {commit: 99, when: 'before'} as const
    const said = await Promise.all([applyApart(warehouse(), path, never), applyApart(warehouse(), path, never)])
    expect(said).to.include('done')
    const other = said[said[0] === 'done' ? 1 : 0]
    expect(other).to.match(/applied already by run|is reading the same stream/)
    const applied = (await warehouse().logged()).filter(({type}) => type === 'plan.applied')
    expect(applied.map(({payload}) => payload?.['commit'])).to.have.members([1, 2])
  })

  it('leaves the same as a direct run after each of a random sequence of runs', async () => {
    const seed = seedFromEnvironment()
    const random = new Random(seed)
    const done = {direct: [] as string[], planned: [] as string[]}
    for (let step = 1; step <= steps; step += 1) {
      const records = Array.from({length: random.integer(0, 8)}, (): ScriptedRecord => ({
        id: `r${random.integer(0, 11)}`,
        at: random.integer(0, step * 24 - 1) * HOUR,
        n: random.integer(0, 2),
      }))
      const run: Run = {
        source: scriptedSource(() => records, {defaults: {slice: '1h', overlap: '3h'}}),
        start: 0,
        now: step * DAY,
        request: {full: random.chance(0.5), refetch: random.chance(0.5), ...(random.chance(0.2) && {limit: 4})},
        commitAfter: {records: random.integer(1, 3), milliseconds: 300_000},
      }
      const direct = await warehouse().run({...run, account: 'direct'})
      const {path, run: finished} = await planOf(warehouse(), {...run, account: 'planned'}, {name: `step-${step}`})
      expect(finished.report.error, `seed ${seed}`).to.equal(undefined)
      const applied = await apply(warehouse(), path)
      done.direct.push(direct.runId)
      done.planned.push(applied.runId ?? '')
      expect(applied.counts, `seed ${seed}, step ${step}`).to.deep.equal(direct.counts)
      expect(await told('planned', done.planned), `seed ${seed}, step ${step}`).to.deep.equal(
        await told('direct', done.direct),
      )
    }
  })

  it('leaves no file where the run failed, or production moved while it was read', async () => {
    const failing = scriptedSource(() => [], {
      async *extract() {
        yield await Promise.resolve({records: [{id: 'a'}]})
        throw new Error('the ink is dry')
      },
    })
    expect(String((await planOf(warehouse(), {source: failing, now: DAY})).run.report.error)).to.include('the ink')
    let other: string | undefined
    const moving = scriptedSource(() => [], {
      async *extract() {
        other ??= (await warehouse().run({source: yielding({id: 'b'}), now: DAY, job: 'other'})).runId
        yield {records: [{id: 'c'}]}
      },
    })
    const {error} = (await planOf(warehouse(), {source: moving, now: DAY})).run.report
    expect(codeOf(error)).to.equal('E_PLAN_STALE')
    expect(String(error)).to.include(`run ${other ?? ''}`)
    expect((await readdir(warehouse().folder)).filter((name) => name.includes('lorplan'))).to.deep.equal([])
  })
}
