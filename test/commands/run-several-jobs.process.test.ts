import {expect} from 'chai'

import {query} from '../support/database.ts'
import {createProject, homeWith, type Project} from '../support/external-source.ts'

const RECORDS = [
  {at: '2024-03-01T12:00:00Z', id: 'a', text: 'one'},
  {at: '2024-03-02T12:00:00Z', id: 'b', text: 'two'},
]

let home = ''

const job = (name: string, file: string, sourceSystem: string): string =>
  `  ${name}:\n    source: diary\n    source_system: ${sourceSystem}\n    file: ${file}\n`

async function projectOf(...jobs: readonly string[]): Promise<Project> {
  const project = await createProject({home, yaml: `jobs:\n${jobs.join('')}`})
  await project.writeRecords(RECORDS)
  await project.writeRecords([{at: '2024-03-01T12:00:00Z', id: 'a', fail: 'the ink is dry'}], 'broken.json')
  return project
}

describe('a command that runs several jobs', () => {
  before(async () => {
    home = await homeWith({name: 'diary'})
  })

  it('takes a pattern for all jobs that match it, and each job once', async () => {
    const project = await projectOf(
      job('diary_ada', 'records.json', 'ada'),
      job('diary_bob', 'records.json', 'bob'),
      job('letters', 'records.json', 'eve'),
    )
    const {code, stdout} = await project.run(['run', 'diary_*', 'diary_ada'])
    expect(code).to.equal(0)
    expect(stdout.match(/✓ \w+/g)).to.deep.equal(['✓ diary_ada', '✓ diary_bob'])
    expect(stdout.trimEnd().split('\n').at(-1)).to.equal('2 jobs: 2 done')
  })

  it('is refused for a pattern that no job matches, and runs nothing', async () => {
    const project = await projectOf(job('diary_ada', 'records.json', 'ada'))
    const {code, stdout, stderr} = await project.run(['run', 'diary_ada', 'mail_*'])
    expect({code, stdout}).to.deep.equal({code: 2, stdout: ''})
    expect(stderr).to.include('no job of lorchestra.yaml matches "mail_*"')
  })

  it('with --task runs its share alone, says which it is, and does well without any', async () => {
    const project = await projectOf(
      ...['ada', 'bob', 'eve'].map((name) => job(`diary_${name}`, 'records.json', name)),
      // Nothing of what is another task's has to be there.
      job('diary_zoe', '${NOT_SET}', 'zoe'),
    )
    const first = await project.run(['run', 'diary_*', '--task', '0/3', '--dry-run', '--samples', '0'], {})
    expect(first.stdout.split('\n')[0]).to.equal('task 0 of 3: diary_ada, diary_zoe (of 4 jobs)')
    expect(first.code).to.equal(2)
    const second = await project.run(['run', 'diary_*', '--task', 'auto', '--json'], {LORCHESTRA_TASK: '1/3'})
    const document = JSON.parse(second.stdout) as {task: object; runs: readonly {job: string}[]}
    expect(second.code).to.equal(0)
    expect(document.task).to.deep.equal({index: 1, count: 3, jobs: ['diary_bob'], of: 4})
    expect(document.runs.map((run) => run.job)).to.deep.equal(['diary_bob'])
    const none = await project.run(['run', 'diary_*', '--task', '7/8'])
    expect(none).to.include({code: 0, stdout: 'task 7 of 8: nothing to do here (of 4 jobs)\n'})
    const unasked = await project.run(['run', 'diary_ada', 'diary_bob'], {LORCHESTRA_TASK: '1/3'})
    expect(unasked.stdout).to.contain('2 jobs: 2 done')
    const nothing = await project.run(['run', 'diary_*', '--task', 'auto'])
    expect([nothing.code, nothing.stderr.includes('finds nothing in the environment')]).to.deep.equal([2, true])
  })

  it('runs them at the same time into one DuckDB file, and none is in the way of another', async () => {
    const names = ['one', 'two', 'three', 'four', 'five', 'six']
    const project = await projectOf(...names.map((name) => job(name, 'records.json', `${name}_system`)))
    const {code, stderr} = await project.run(['run', '*', '--concurrency', '6'])
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    const rows = await query(
      project.database,
      'SELECT source_system, count(*)::INT AS rows FROM raw_objects GROUP BY 1',
    )
    expect(rows).to.have.deep.members(names.map((name) => ({source_system: `${name}_system`, rows: 2})))
  })

  it('lets jobs of one stream take turns', async () => {
    const project = await projectOf(job('one', 'records.json', 'shared'), job('two', 'records.json', 'shared'))
    const {code, stdout} = await project.run(['run', 'one', 'two', '--concurrency', '2'])
    expect(code).to.equal(0)
    const counts = stdout.match(/\d extracted, .* updated(, \d unchanged)?/g)
    expect(counts).to.deep.equal([
      '2 extracted, 2 inserted, 0 updated',
      '2 extracted, 0 inserted, 0 updated, 2 unchanged',
    ])
  })

  it('goes on with the others when one fails, and its exit code is the worst', async () => {
    const project = await projectOf(
      job('good', 'records.json', 'good'),
      job('bad', 'broken.json', 'bad'),
      job('better', 'records.json', 'better'),
    )
    const {code, stdout, stderr} = await project.run(['run', 'good', 'bad', 'better', '--concurrency', '2'])
    expect(code).to.equal(1)
    expect(stderr).to.include('✗ bad: the ink is dry')
    expect(stdout.trimEnd().split('\n').at(-1)).to.equal('3 jobs: 2 done, 1 failed')
    expect(stdout).to.include('✓ better')
  })
})
