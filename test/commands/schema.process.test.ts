import {readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {createProject, homeWith, type Project} from '../support/external-source.ts'

const SAVE = `require('fs').appendFileSync('told.ndjson', require('fs').readFileSync(0) + '\\n')`
const YAML = `
notifications:
  command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(SAVE)}]
jobs:
  entries: {source: diary, file: records.json, schema: freeze}
`
const at = '2024-03-01T12:00:00.000Z'

describe('lorchestra schema', () => {
  let project: Project
  before(async () => {
    project = await createProject({home: await homeWith({name: 'diary'}), yaml: YAML})
  })
  const run = async (line: string) => project.run(line.split(' '))
  const records = async (more: object): Promise<void> => project.writeRecords([{at, id: 'a', text: 'one', ...more}])

  it('tells what was refused, accepts a part of it, then the rest, and lets the run store it', async () => {
    await records({})
    expect((await run('run entries')).code).to.equal(0)
    const shown = await run('schema show entries')
    expect(shown.stdout).to.match(/^diary\/entry$/m)
    expect(shown.stdout).to.match(/^\/id +string +yes +\d{4}-\S+ +entries-\S+$/m)
    expect((await run('schema diff entries')).stdout).to.equal('Nothing changed.\n')

    await records({mood: {now: 1, later: 2}, weather: 'fair'})
    const refused = await run('run entries --full')
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.match(/E_SCHEMA_FROZEN[^]*lorchestra schema accept entries/)
    expect((await run('schema diff entries')).stdout).to.match(/\+ \/mood\/now integer.*refused/)

    const wrong = await run('schema accept entries /moood')
    expect([wrong.code, wrong.stderr.includes('E_PATH_UNKNOWN')]).to.deep.equal([2, true])
    expect((await run('schema accept entries /mood')).stdout).to.match(/\+ \/mood object.*accepted/)
    expect((await run('run entries --full')).code).to.equal(1)
    const {accepted} = JSON.parse((await run('schema accept entries --json')).stdout) as {accepted: {path: string}[]}
    expect(accepted.map(({path}) => path)).to.deep.equal(['/weather'])
    expect((await run('schema accept entries')).stdout).to.equal('Nothing that entries refused is left to accept.\n')
    const stored = await run('run entries --full')
    expect([stored.code, stored.stdout.includes('schema:')]).to.deep.equal([0, false])
  })

  it('says in one line of the summary, in its document, and with warn in a notification, what is new', async () => {
    await project.write('lorchestra.yaml', YAML.replace('freeze', 'warn'))
    await records({mood: 'good'})
    const {stdout} = await run('run entries --full --dry-run')
    expect(stdout).to.include('  schema: 1 new fact   ~ /mood object → string|object')
    const {runs} = JSON.parse((await run('run entries --full --json')).stdout) as {
      runs: [{schema: {policy: string; changes: {path: string; example: string}[]}}]
    }
    expect(runs[0].schema.policy).to.equal('warn')
    expect(runs[0].schema.changes.map(({path, example}) => [path, example])).to.deep.equal([['/mood', 'entry:diary:a']])
    const lines = (await readFile(join(project.folder, 'told.ndjson'), 'utf8')).trimEnd().split('\n')
    const {event, text} = JSON.parse(lines.at(-1) ?? '') as {event: string; text: string}
    expect(event).to.equal('run.degraded')
    expect(text).to.include('entries is degraded: schema: 1 new fact   ~ /mood object → string|object')
  })
})
