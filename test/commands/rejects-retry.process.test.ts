import {expect} from 'chai'

import {createProject, homeWith, type Project} from '../support/external-source.ts'
import {change, query} from '../support/database.ts'

const YAML = `
accounts:
  one: {source: diary, file: records.json}
jobs:
  entries: {account: one, start: 2024-03-01T00:00:00Z, slice: 1d}
`
const bad = {at: '2024-03-02T12:00:00Z'}
const good = {at: '2024-03-04T12:00:00Z', id: 'good'}

interface Retried {
  readonly rejects: number
  readonly runs: readonly {readonly run_id: string; readonly open_rejects?: number; readonly counts: object}[]
  readonly error?: {readonly code: string; readonly message: string}
}

describe('lorchestra rejects retry', () => {
  let home = ''
  let project: Project
  let runId = ''
  before(async () => {
    home = await homeWith({name: 'diary'})
  })
  beforeEach(async () => {
    project = await createProject({home, yaml: YAML})
    await project.writeRecords([bad, good])
    const run = await project.run(['run', 'entries', '--json'])
    const {runs} = JSON.parse(run.stdout) as Retried
    runId = runs[0]?.run_id ?? ''
    expect([run.code, runs[0]?.open_rejects]).to.deep.equal([3, 1])
  })
  const retry = async (...args: string[]) => {
    const {code, stdout} = await project.run(['rejects', 'retry', ...args, '--json'])
    return {code, ...(JSON.parse(stdout) as Retried)}
  }
  const stored = async (table = 'raw_objects') =>
    query(project.database, `SELECT external_id FROM ${table} ORDER BY external_id`)

  it('stores what was rejected once its cause is cured, as the summary of the run says', async () => {
    const again = await project.run(['rejects', 'retry', 'entries'])
    expect([again.code, again.stdout.includes('1 rejected, ')]).to.deep.equal([0, true])
    const command = /when the cause is cured: lorchestra (.*)$/m.exec(again.stdout)?.[1] ?? ''
    expect(command).to.equal('rejects retry entries')
    await project.writeRecords([
      {...bad, id: 'cured'},
      {...good, text: 'of another day'},
    ])
    const cured = await project.run(command.split(' '))
    expect(cured.stdout).to.contain(
      'entries (diary, account one): 2024-03-02T00:00:00.000Z to 2024-03-03T00:00:00.000Z\n',
    )
    expect(cured.stdout).to.contain('1 extracted, 1 inserted').and.to.contain('No rejected record of this job is left.')
    expect(await stored()).to.deep.equal([{external_id: 'cured'}, {external_id: 'good'}])
    const nothing = await project.run(['rejects', 'retry', 'entries'])
    expect(nothing).to.include({
      code: 0,
      stdout: 'entries has no open rejects, so there is nothing to read again.\n',
    })
  })

  it('has the three modes: a dry run writes nothing, and the test tables have rejects of their own', async () => {
    await project.writeRecords([{...bad, id: 'cured'}, good])
    const before = await query(project.database, 'SELECT count(*)::INTEGER AS events FROM event_log')
    const dry = await project.run(['rejects', 'retry', runId, '--dry-run'])
    expect([dry.code, dry.stdout]).to.satisfy(
      ([code, text]: [number, string]) => code === 0 && text.startsWith('=== DRY RUN'),
    )
    expect(dry.stdout).to.contain('[DRY-RUN] entries: 1 extracted')
    expect(await query(project.database, 'SELECT count(*)::INTEGER AS events FROM event_log')).to.deep.equal(before)
    const unknown = await retry(runId, '--test-table')
    expect([unknown.code, unknown.error?.code]).to.deep.equal([2, 'E_RUN_UNKNOWN'])
    await project.writeRecords([bad])
    await project.run(['run', 'entries', '--test-table'])
    await project.writeRecords([{...bad, id: 'cured'}])
    const test = await retry('entries', '--test-table')
    expect([test.code, test.rejects, test.runs[0]?.open_rejects]).to.deep.equal([0, 1, 0])
    expect([await stored(), await stored('test_raw_objects')]).to.deep.equal([
      [{external_id: 'good'}],
      [{external_id: 'cured'}],
    ])
    expect((await retry('entries', '--dry-run', '--test-table')).code).to.equal(2)
  })

  it('is refused where the job is gone, reads something else by now, or the log does not say where it was', async () => {
    await project.write('lorchestra.yaml', YAML.replace('entries:', 'others:'))
    const gone = await retry(runId)
    expect([gone.code, gone.error?.message]).to.deep.equal([2, 'there is no job "entries" in lorchestra.yaml'])
    await project.write('lorchestra.yaml', YAML.replace('source: diary,', 'source: diary, source_system: elsewhere,'))
    const moved = await project.run(['rejects', 'retry', runId])
    expect(moved.code).to.equal(2)
    expect(moved.stderr).to.contain('the definition of entries has changed').and.to.contain('lorchestra run entries')
    await project.write('lorchestra.yaml', YAML)
    await change(
      project.database,
      `UPDATE event_log SET payload = '{"reference": "r", "job": "entries"}' WHERE event_type = 'record.rejected'`,
    )
    const older = await retry('entries')
    expect([older.code, older.error?.code]).to.deep.equal([2, 'E_REJECTS_STALE'])
  })
})
