import {expect} from 'chai'

import {codeOf} from '../../src/base/errors.ts'
import {createMask} from '../../src/base/mask.ts'
import {formatSchemaChange} from '../../src/model/schema-text.ts'
import type {Page} from '../../src/source.ts'
import {Archive, archiveSource} from '../support/archive-source.ts'
import {events, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun, type ScriptedResult, type ScriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'
import {DAY, yielding} from '../support/warehouse-contract.ts'

const folder = folderForEachTest()
let hour = 0
const run = async (records: readonly object[], more: Partial<ScriptedRun> = {}): Promise<ScriptedResult> =>
  scriptedRun({
    source: yielding(...records),
    folder: folder(),
    now: DAY + (hour += 3_600_000),
    request: {full: true},
    ...more,
  })
const told = ({schema}: ScriptedResult): readonly string[] =>
  schema.changes.flatMap(({changes}) => changes.map(formatSchemaChange))
const logged = async (type = 'schema.changed') =>
  (await events(databaseIn(folder()), type)).map(({payload}) => {
    const {changes} = payload as {changes: {path: string}[]}
    return changes.map(({path}) => path)
  })

beforeEach(() => (hour = 0))

describe('the shape of what a run reads', () => {
  it('is logged whole by the first run of a stream, and then only what is new, once, with the rows', async () => {
    expect(told(await run([{id: 'a', n: 1}]))).to.deep.equal([])
    expect(await logged()).to.deep.equal([['', '/id', '/n']])
    const second = await run([
      {id: 'b', n: 2},
      {id: 'c', n: 2, email: 'c@x'},
      {id: 'd', n: 3},
    ])
    expect(told(second)).to.deep.equal(['+ /email string (1 of 3)'])
    expect(told(await run([{id: 'e', n: 4, email: 'e@x'}]))).to.deep.equal([])
    expect(await logged()).to.deep.equal([['', '/id', '/n'], ['/email']])
    const [event] = (await events(databaseIn(folder()), 'schema.changed')).slice(1)
    expect(event).to.include({source_system: 'scripted--acct1', object_type: 'thing', correlation_id: second.runId})
    expect(event?.['payload']).to.deep.include({schema: 1, job: 'job'})
  })

  it('is shown by a dry run, which keeps nothing, and is apart for the test tables', async () => {
    await run([{id: 'a'}])
    const dry = await run([{id: 'b', email: 'b@x'}], {mode: 'dry-run'})
    expect(told(dry)).to.deep.equal(['+ /email string (1 of 1)'])
    expect(await logged()).to.have.length(1)
    expect(told(await run([{id: 'b', email: 'b@x'}], {mode: 'test-table'}))).to.deep.equal([])
    expect(told(await run([{id: 'b', email: 'b@x'}]))).to.deep.equal(['+ /email string (1 of 1)'])
  })

  it('does not count the slice that failed', async () => {
    await run([{id: 'a'}])
    const broken = scriptedSource(() => [], {
      async *extract(): AsyncGenerator<Page> {
        yield await Promise.resolve({records: [{id: 'b', email: 'b@x'}]})
        throw new Error('the service went away')
      },
    })
    expect((await run([], {source: broken})).error).to.not.equal(undefined)
    expect(await logged()).to.have.length(1)
    expect(told(await run([{id: 'b', email: 'b@x'}]))).to.deep.equal(['+ /email string (1 of 1)'])
  })

  it('counts neither rejects nor what a limit cut off, and knows what a limited run stored', async () => {
    const limited = {request: {limit: 1}}
    await run([{id: 'a'}], limited)
    const more = await run(
      [
        {id: 'bad\ud800', odd: 1},
        {id: 'b', extra: 1},
        {id: 'c', cut: 1},
      ],
      {request: {limit: 2}},
    )
    expect(told(more)).to.deep.equal(['+ /extra integer (1 of 1)'])
  })

  it('is shared by all jobs that read the stream', async () => {
    await run([{id: 'a'}], {job: 'one'})
    expect(told(await run([{id: 'b', email: 'b@x'}], {job: 'two'}))).to.have.length(1)
    expect(told(await run([{id: 'b', email: 'b@x'}], {job: 'one'}))).to.deep.equal([])
  })

  it('is of each object type for itself', async () => {
    const streams = ['folder', 'note'].map((objectType) => ({objectType, windowed: false}))
    const source = (note: object) =>
      scriptedSource(() => [], {
        streams,
        async *extract() {
          yield {objectType: 'note', records: [note]}
          yield await Promise.resolve({objectType: 'folder', records: [{id: 'f', size: 1}]})
        },
      } as Parameters<typeof scriptedSource>[1])
    await run([], {source: source({id: 'n'})})
    const changed = await run([], {source: source({id: 'n', size: 1})})
    expect(changed.schema.changes.map(({stream, changes}) => [stream.objectType, changes.length])).to.deep.equal([
      ['note', 1],
    ])
  })

  it('does not bring a secret into the log', async () => {
    const mask = createMask()
    mask.add('hunter2hunter2')
    const {error} = await run([{id: 'a', hunter2hunter2: 1}], {mask})
    expect(codeOf(error)).to.equal('E_SOURCE_BUG')
    expect(
      await query(databaseIn(folder()), "SELECT 1 FROM event_log WHERE payload::VARCHAR LIKE '%hunter2%'"),
    ).to.deep.equal([])
  })
})

describe('the shape of what is stored at a checkpoint', () => {
  const commitAfter = {records: 1, milliseconds: 1e9}
  const inParts = (breaks: boolean, ...pages: readonly (readonly object[])[]) =>
    scriptedSource(() => [], {
      streams: [{objectType: 'thing', windowed: false}],
      canResume: () => Promise.resolve(true),
      async *extract() {
        for (const [index, records] of pages.entries())
          yield await Promise.resolve({records, bookmark: index + 1, checkpoint: true} as unknown as Page)
        if (breaks) throw new Error('the service went away')
        yield {records: []}
      },
    })
  const oneByOne = (breaks: boolean, ...pages: readonly (readonly object[])[]) => ({
    source: inParts(breaks, ...pages),
    request: {},
    commitAfter,
  })

  it('is logged with that part, also where what comes after it fails, and once', async () => {
    await run([{id: 'a'}])
    const broken = await run([], oneByOne(true, [{id: 'b', email: 'b@x'}], [{id: 'c', phone: '1'}]))
    expect(broken.error).to.not.equal(undefined)
    expect(await logged()).to.deep.equal([['', '/id'], ['/email'], ['/phone']])
    const again = await run(
      [],
      oneByOne(false, [{id: 'b', email: 'b@x'}], [{id: 'c', phone: '1'}], [{id: 'd', fax: 1}]),
    )
    expect([again.error, told(again)]).to.deep.equal([undefined, ['+ /fax integer (1 of 1)']])
  })

  it('is that of the records of the part alone', async () => {
    await run([{id: 'a'}])
    const {schema} = await run([], oneByOne(false, [{id: 'b'}, {id: 'c'}], [{id: 'd', email: 'd@x'}, {id: 'e'}]))
    expect(schema.changes.flatMap(({changes}) => changes.map(formatSchemaChange))).to.deep.equal([
      '+ /email string (1 of 2)',
    ])
  })

  it('is told with the whole slice where checkpoints are passed over', async () => {
    await run([{id: 'a'}])
    const pages = [[{id: 'b', email: 'b@x'}], [{id: 'c'}], [{id: 'd'}]]
    const whole = await run([], {...oneByOne(false, ...pages), request: {limit: 10}})
    expect(told(whole)).to.deep.equal(['+ /email string (1 of 3)'])
  })

  it('is refused before that part is stored, where it is frozen; the parts before stay', async () => {
    await run([{id: 'a'}])
    const frozen = {schema: 'freeze'} as const
    const {error} = await run([], {...oneByOne(false, [{id: 'b'}], [{id: 'c', email: 'c@x'}], [{id: 'd'}]), ...frozen})
    expect(codeOf(error)).to.equal('E_SCHEMA_FROZEN')
    const rows = await query(databaseIn(folder()), 'SELECT external_id FROM raw_objects ORDER BY 1')
    expect(rows.map(({external_id: id}) => id)).to.deep.equal(['a', 'b'])
    expect(await logged('schema.refused')).to.deep.equal([['/email']])
  })
})

describe('the shape of what a sweep finds', () => {
  it('is told, and refused where it is frozen', async () => {
    const archive = new Archive()
    archive.add({id: 'early', at: 2})
    const sweeping = {source: archiveSource(archive), request: {}, sweep: 1}
    await run([], sweeping)
    archive.add({id: 'late', at: 1, email: 'x'})
    const {error} = await run([], {...sweeping, schema: 'freeze'})
    expect(codeOf(error)).to.equal('E_SCHEMA_FROZEN')
    expect(told(await run([], sweeping))).to.deep.equal(['+ /email string (1 of 1)'])
  })
})

describe('a job whose schema is frozen', () => {
  const frozen = {schema: 'freeze'} as const

  it('learns it in its first run, then fails before anything of another shape is stored, and says what and where', async () => {
    expect((await run([{id: 'a', n: 1}], frozen)).error).to.equal(undefined)
    const {error} = await run(
      [
        {id: 'b', n: 1},
        {id: 'c', n: 'one', email: 'c@x'},
      ],
      frozen,
    )
    expect(codeOf(error)).to.equal('E_SCHEMA_FROZEN')
    expect(String(error)).to.include('~ /n integer → integer|string').and.include('+ /email string (1 of 2)')
    expect(String(error)).to.include('seen in thing:scripted--acct1:c')
    expect(String(error)).to.not.include('c@x')
    expect(await query(databaseIn(folder()), 'SELECT external_id FROM raw_objects')).to.deep.equal([{external_id: 'a'}])
    expect(await logged()).to.have.length(1)
    expect(await logged('schema.refused')).to.deep.equal([['/n', '/email']])
    expect((await run([{id: 'd', n: 2}], frozen)).error).to.equal(undefined)
  })

  it('fails in a dry run just so, and leaves no trace', async () => {
    await run([{id: 'a'}], frozen)
    const {error} = await run([{id: 'b', email: 'b@x'}], {...frozen, mode: 'dry-run'})
    expect(codeOf(error)).to.equal('E_SCHEMA_FROZEN')
    expect(await logged('schema.refused')).to.deep.equal([])
  })

  it('keeps the slices before the one that it refuses', async () => {
    await run([{id: 'first', at: 1}], frozen)
    const records = [
      {id: 'a', at: 2 * DAY},
      {id: 'b', at: 3 * DAY, email: 'b@x'},
    ]
    const source = scriptedSource(() => records, {defaults: {slice: '1d', earliest: new Date(DAY).toISOString()}})
    const {error} = await run([], {source, now: 5 * DAY, request: {}, ...frozen})
    expect(codeOf(error)).to.equal('E_SCHEMA_FROZEN')
    const rows = await query(databaseIn(folder()), 'SELECT external_id FROM raw_objects ORDER BY 1')
    expect(rows.map(({external_id: id}) => id)).to.deep.equal(['a', 'first'])
  })
})
