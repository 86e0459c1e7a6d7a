import {expect} from 'chai'

import {change} from '../support/database.ts'
import {createProject, homeWith} from '../support/external-source.ts'

const YAML = 'jobs:\n  entries: {source: diary, file: records.json}\n'

describe('lorchestra views', () => {
  it('prints, makes and renews a view with columns, and counts with code 3 what it would lose', async () => {
    const project = await createProject({home: await homeWith({name: 'diary'}), yaml: YAML})
    const run = async (line: string) => project.run(line.split(' '))
    expect((await run('views print entries')).stderr).to.match(/read nothing.*\n.*lorchestra run entries/)
    await project.writeRecords([{at: '2024-03-01T12:00:00.000Z', id: 'a', text: 'one'}])
    expect((await run('run entries')).code).to.equal(0)

    expect((await run('views print entries')).stdout).to.match(/^-- diary_entry\nSELECT idem_key,[^]*'entry';\n$/)
    expect((await run('views create entries')).stdout).to.equal('diary_entry: created, 3 columns of records\n')
    expect((await run('views create entries')).stdout).to.equal('diary_entry: replaced, 3 columns of records\n')
    const asked = await project.run(['query', 'SELECT id, text FROM diary_entry', '--csv'])
    expect(asked.stdout).to.equal('id,text\na,one\n')

    const whole = await run('views check entries')
    expect([whole.code, whole.stdout]).to.deep.equal([0, 'diary_entry: nothing is lost\n'])
    await change(project.database, `UPDATE raw_objects SET payload = '{"id": "a", "at": "yesterday"}'`)
    const lost = await run('views check entries --json')
    expect(lost.code).to.equal(3)
    const {views} = JSON.parse(lost.stdout) as {views: [{columns: {name: string; lost: number}[]}]}
    expect(views[0].columns.map(({name, lost: count}) => [name, count])).to.deep.equal([
      ['at', 1],
      ['id', 0],
      ['text', 0],
    ])
  })
})
