import {expect} from 'chai'

import {events} from '../support/database.ts'
import {createProject, homeWith, type Project} from '../support/external-source.ts'

const JOB = 'diary_entries'
const record = (id: string) => ({at: '2024-03-01T12:00:00Z', id})

describe('lorchestra reconcile --write', () => {
  let home: string
  let project: Project
  const deletions = async () => events(project.database, 'object.deleted')

  before(async () => (home = await homeWith({name: 'diary'})))
  beforeEach(async () => {
    project = await createProject({home, yaml: `jobs:\n  ${JOB}:\n    source: diary\n    file: records.json\n`})
    await project.writeRecords(Array.from({length: 40}, (_, index) => record(`n${index}`)))
    expect((await project.run(['run', JOB])).code).to.equal(0)
    await project.writeRecords(Array.from({length: 39}, (_, index) => record(`n${index}`)))
  })

  it('logs what is gone as deleted where it is asked to, and else tells it', async () => {
    const looked = await project.run(['reconcile', JOB, '--exit-code'])
    expect([looked.code, looked.stderr]).to.deep.equal([5, ''])
    expect(looked.stdout)
      .to.include('1 gone at the source')
      .and.include('1 of it is not logged as deleted yet: --write')
    const dry = await project.run(['reconcile', JOB, '--write', '--dry-run'])
    expect(dry.code).to.equal(0)
    expect(dry.stdout).to.include('1 would be logged as deleted')
    expect(await deletions()).to.deep.equal([])
    const written = await project.run(['reconcile', JOB, '--write'])
    expect([written.code, written.stderr]).to.deep.equal([0, ''])
    const [, runId = ''] = /1 logged as deleted by run (\S+);/.exec(written.stdout) ?? []
    expect((await deletions()).map(({correlation_id: by}) => by)).to.deep.equal([runId])
    expect((await project.run(['reconcile', JOB, '--exit-code'])).code).to.equal(0)
    const shown = await project.run(['runs', 'show', runId])
    expect(shown.stdout)
      .to.match(/deleted +1/)
      .and.include('(reconcile)')
    const undone = await project.run(['runs', 'undo', runId])
    expect([undone.code, undone.stderr]).to.deep.equal([0, ''])
    expect((await project.run(['reconcile', JOB, '--exit-code'])).code).to.equal(5)
    expect((await project.run(['run', JOB])).code).to.equal(0)
  })

  it('ends with 1 where more is gone than --max-deleted allows, and with 2 for flags that make no sense', async () => {
    const refused = await project.run(['reconcile', JOB, '--write', '--max-deleted', '1%'])
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.include('1 of 40 stored records are gone at the source, more than the 1%')
    expect(await deletions()).to.deep.equal([])
    for (const flags of [
      ['--dry-run'],
      ['--write', '--max-deleted', 'some'],
      ['--write', '--dry-run=true'],
      ['--write', '--test-table'],
    ]) {
      const {code, stderr} = await project.run(['reconcile', JOB, ...flags])
      expect(code, `${flags.join(' ')} ${stderr}`).to.equal(2)
    }
  })
})
