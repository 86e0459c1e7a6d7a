import {expect} from 'chai'

import {createProject, homeWith, type Project} from '../support/external-source.ts'

const YAML = `
jobs:
  entries: {source: diary, file: records.json}
`
const at = '2024-03-01T12:00:00.000Z'

describe('--test-set', () => {
  let project: Project
  before(async () => {
    project = await createProject({home: await homeWith({name: 'diary'}), yaml: YAML})
  })
  const run = async (line: string) => project.run(line.split(' '))
  const json = async (line: string): Promise<Record<string, unknown>> =>
    JSON.parse((await run(`${line} --json`)).stdout) as Record<string, unknown>

  it('is refused without --test-table, and where it names nothing', async () => {
    for (const [line, says] of [
      ['run entries --test-set alice', '--test-table'],
      ['run entries --dry-run --test-set alice', '--test-table'],
      ['show entry:diary:a --test-set alice', '--test-table'],
      ['run entries --test-table --test-set Alice', '--test-set alice'],
      ['test drop --test-set a_b', '--test-set alice'],
      ['run entries --test-table=alice', '--test-table --test-set alice'],
    ] as const) {
      const {code, stderr} = await run(line)
      expect([code, stderr.includes(says)], `${line}: ${stderr}`).to.deep.equal([2, true])
    }
  })

  it('gives each set tables of its own, from the run to the promotion and the drop', async () => {
    await project.writeRecords([{at, id: 'a', text: 'one'}])
    const banner = (await run('run entries --test-table')).stdout
    expect(banner).to.include('(writing to test_event_log, test_raw_objects)')
    await project.writeRecords([
      {at, id: 'a', text: 'one'},
      {at, id: 'b', text: 'two'},
    ])
    const alice = (await run('run entries --test-table --test-set alice')).stdout
    expect(alice).to.include('(writing to test_event_log__alice, test_raw_objects__alice)')
    expect(alice).to.include('2 inserted')

    const {sets} = (await json('test list')) as {sets: {test_set: string | null; tables: {rows: number}[]}[]}
    expect(sets.map((set) => [set.test_set, set.tables[1]?.rows])).to.deep.equal([
      [null, 1],
      ['alice', 2],
    ])
    expect((await run('test list --test-set alice')).stdout).to.match(/^test_event_log__alice +\d+ rows\n/)
    expect((await run('test list --test-set bob')).stdout).to.include('run JOB --test-table --test-set bob makes them')
    expect((await run('test compare entries --test-set alice')).stdout).to.include('2 new')
    expect((await run('test compare entries --test-set bob')).stderr).to.include(
      'lorchestra run entries --test-table --test-set bob',
    )
    expect((await run('jobs show entries --test-set alice')).stdout).to.match(
      /--test-table writes +test_event_log__alice, test_raw_objects__alice/,
    )
    expect((await run('show entry:diary:b --test-table --test-set alice')).code).to.equal(0)
    expect((await run('show entry:diary:b --test-table')).code).to.equal(1)
    const {runs} = (await json('runs list --test-set alice')) as {runs: unknown[]}
    expect(runs).to.have.lengthOf(1)

    const promoted = (await run('test promote entries --test-set alice')).stdout
    expect(promoted).to.include('2 inserted, 0 updated, 0 unchanged from test_raw_objects__alice')
    expect(promoted).to.include('lorchestra test drop --test-set alice')
    expect((await run('test drop --test-set alice')).stdout).to.equal(
      '✓ dropped test_event_log__alice and test_raw_objects__alice\n',
    )
    expect((await run('test seed entries --test-set bob --dry-run')).stdout).to.equal(
      '[DRY-RUN] entries: would copy 2 rows from raw_objects to test_raw_objects__bob (no writes)\n',
    )
    const seeded = (await run('test seed entries --test-set bob')).stdout
    expect(seeded).to.include('2 rows copied from raw_objects to test_raw_objects__bob')
    expect(seeded).to.include('lorchestra run entries --test-table --test-set bob')
    expect((await run('test seed entries --test-set bob')).code).to.equal(2)
    expect((await run('test drop --test-set bob')).code).to.equal(0)
    const left = (await json('test list')) as {sets: {test_set: string | null}[]}
    expect(left.sets.map((set) => set.test_set)).to.deep.equal([null])
  })
})
