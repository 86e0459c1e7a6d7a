import {join} from 'node:path'

import {expect} from 'chai'

import {query} from '../support/database.ts'
import {createProject, homeWith, type Project} from '../support/external-source.ts'

const YAML = `
accounts:
  mine: {source: diary, file: records.json, mask: [/at]}
jobs:
  hidden_entries: {account: mine, mask: [/text]}
  open_entries: {source: diary, file: records.json, source_system: open}
`
const TEXT = 'what nobody else may read'

describe('the samples of a dry run', () => {
  let project: Project

  before(async () => {
    project = await createProject({home: await homeWith({name: 'diary'}), yaml: YAML})
    await project.writeRecords([{at: '2024-03-01T12:00:00Z', id: 'a', text: TEXT}])
  })

  it('never show what the job or its account masks, as text or as JSON', async () => {
    for (const json of [[], ['--json']]) {
      const {code, stdout, stderr} = await project.run([
        'run',
        'hidden_entries',
        '--dry-run',
        '--samples',
        '5',
        ...json,
      ])
      expect(code, stderr).to.equal(0)
      expect(stdout).to.contain('entry:diary--mine:a')
      expect(`${stdout}${stderr}`).not.to.contain(TEXT).and.not.to.contain('2024-03-01T12')
      const payload = '{"at":"***","id":"a","text":"***"}'
      expect(stdout).to.contain(json.length > 0 ? JSON.stringify(payload) : payload)
    }
  })

  it('show all where nothing is masked', async () => {
    const {stdout} = await project.run(['run', 'open_entries', '--dry-run'])
    expect(stdout).to.contain(TEXT)
  })

  it('show no more of it in a diff, a plan, and what is compared with production', async () => {
    const plan = join(project.folder, 'hidden.lorplan')
    const diff = ['run', 'hidden_entries', '--dry-run', '--diff']
    const stored = ['run', 'hidden_entries', '--test-table']
    const shown = [
      [...diff, '--out', plan],
      [...diff, '--json'],
      ['plan', 'show', plan],
      stored,
      ['test', 'compare', 'hidden_entries'],
    ]
    for (const args of shown) {
      const {code, stdout, stderr} = await project.run(args)
      expect(code, stderr).to.equal(0)
      expect(stdout, args.join(' ')).not.to.contain(TEXT).and.not.to.contain('2024-03-01T12')
      if (args !== stored) expect(stdout, args.join(' ')).to.contain('***')
    }
  })

  it('hide nothing that is stored', async () => {
    expect(await project.run(['run', 'hidden_entries', '--test-table'])).to.include({code: 0, stderr: ''})
    const [row] = await query(project.database, 'SELECT payload FROM test_raw_objects')
    expect(JSON.parse(String(row?.['payload']))).to.deep.equal({at: '2024-03-01T12:00:00Z', id: 'a', text: TEXT})
    const {stdout} = await project.run(['jobs', 'show', 'hidden_entries'])
    expect(stdout).to.match(/^mask +\/at, \/text$/m)
  })
})
