import {expect} from 'chai'

import {createProject, homeWith, type Project} from '../support/external-source.ts'

const WINDOW = ['--since', '2024-01-01', '--until', '2024-04-01']
const DIFF = ['run', 'diary_entries', '--dry-run', '--diff', '--exit-code', '--refetch', ...WINDOW]

describe('lorchestra run --diff', () => {
  let project: Project
  const writeText = async (text: string): Promise<void> =>
    project.writeRecords([{at: '2024-03-01T12:00:00.000Z', id: 'a', text}])

  before(async () => {
    const home = await homeWith({name: 'diary'})
    project = await createProject({home, yaml: 'jobs:\n  diary_entries: {source: diary, file: records.json}\n'})
  })

  it('ends with 5 where something would change, and with 0 where nothing would, when it is asked to', async () => {
    await writeText('one')
    const before = await project.run(DIFF)
    expect(before.code, before.stderr).to.equal(5)
    expect(before.stdout).to.include('would insert 1, update 0, leave 0 unchanged')
    const run = await project.run(['run', 'diary_entries', ...WINDOW])
    expect(run.code, run.stderr).to.equal(0)
    const after = await project.run(DIFF)
    expect(after.code, after.stderr).to.equal(0)
    await writeText('another')
    const changed = await project.run(DIFF)
    expect([changed.code, changed.stdout]).to.satisfy(
      ([code, text]: [number, string]) => code === 5 && text.includes('/text 1'),
    )
    expect((await project.run(DIFF.filter((flag) => flag !== '--exit-code'))).code).to.equal(0)
  })

  it('is refused where the run would write production, before anything is read', async () => {
    const {code, stderr} = await project.run(['run', 'diary_entries', '--diff'])
    expect(code).to.equal(2)
    expect(stderr).to.include('--dry-run').and.to.include('--test-table')
  })
})
