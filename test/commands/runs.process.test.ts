import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra} from '../support/cli.ts'
import {change, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const folder = folderForEachTest()
const source = scriptedSource(() => [
  {id: 'one', at: 0},
  {id: 'two', at: 1},
])
const failing = scriptedSource(() => [], {
  // oxlint-disable-next-line require-yield -- it fails before it has anything
  async *extract() {
    await Promise.reject(new Error('the service is closed today'))
  },
})
const runs = async (...args: string[]) => {
  await writeFile(join(folder(), 'lorchestra.yaml'), 'warehouse: {type: duckdb, path: warehouse.duckdb}\n')
  return lorchestra(['runs', ...args], {cwd: folder()})
}
const listed = async (...args: string[]) => {
  const {stdout} = await runs('list', '--json', ...args)
  return (JSON.parse(stdout) as {runs: {run_id: string; outcome: string; mode: string; error: string | null}[]}).runs
}

describe('lorchestra runs list', () => {
  it('shows what each run of production and test tables did, newest first, and no dry run', async () => {
    await scriptedRun({source, folder: folder(), runId: 'first', job: 'things'})
    await scriptedRun({source, folder: folder(), runId: 'tried', job: 'things', mode: 'test-table'})
    await scriptedRun({source, folder: folder(), runId: 'dry', job: 'things', mode: 'dry-run'})
    await scriptedRun({source: failing, folder: folder(), runId: 'failed', job: 'others'})
    const {code, stdout} = await runs('list')
    expect(code).to.equal(0)
    const lines = stdout.trimEnd().split('\n').slice(1)
    expect(lines).to.have.length(3)
    expect(lines[0]).to.match(/ production +failed +- +0 +0 +0 +0 .* failed +the service is closed today$/)
    expect(lines[1]).to.match(/ test-table +done +everything before \S+ +2 +2 +0 +0 .* tried$/)
    expect(lines[2]).to.match(/ production +done +everything before \S+ +2 +2 +0 +0 .* first$/)
  })

  it('takes as many runs as are asked for, and those of one job', async () => {
    for (const runId of ['first', 'second', 'third'])
      await scriptedRun({source, folder: folder(), runId, job: 'things'})
    await scriptedRun({source, folder: folder(), runId: 'other', job: 'others'})
    expect((await listed('--limit', '2')).map(({run_id}) => run_id)).to.deep.equal(['other', 'third'])
    expect((await listed('--job', 'others')).map(({run_id}) => run_id)).to.deep.equal(['other'])
  })

  it('says that there is no such job, where neither the file nor the log has one', async () => {
    await scriptedRun({source, folder: folder(), runId: 'first', job: 'things'})
    const {code, stdout, stderr} = await runs('list', '--job', 'thinsg')
    expect([code, stdout]).to.deep.equal([2, ''])
    expect(stderr).to.contain('neither lorchestra.yaml nor the event log has a job "thinsg" [E_JOB_UNKNOWN]')
  })

  it('tells a run that died from one that goes on', async () => {
    await scriptedRun({source, folder: folder(), runId: 'dead'})
    await scriptedRun({source, folder: folder(), runId: 'alive'})
    await change(
      databaseIn(folder()),
      "DELETE FROM event_log WHERE event_type = 'job.completed'",
      `UPDATE event_log SET payload = json_merge_patch(payload, '{"process": {"token": "another process"}}')
       WHERE event_type = 'job.started' AND correlation_id = 'dead'`,
    )
    const outcomes = Object.fromEntries((await listed()).map(({run_id, outcome}) => [run_id, outcome]))
    expect(outcomes).to.deep.equal({dead: 'died', alive: 'running'})
  })

  it('says so where there is no run, and makes no database', async () => {
    expect(await runs('list')).to.include({code: 0, stdout: 'The event log knows of no run yet.\n'})
  })

  it('shows the gaps that its jobs have left in what is covered', async () => {
    const DAY = 86_400_000
    await scriptedRun({source, folder: folder(), now: 2 * DAY, job: 'things'})
    await scriptedRun({source, folder: folder(), now: 10 * DAY, job: 'things', request: {since: 8 * DAY}})
    const {stdout} = await runs('list')
    expect(stdout).to.match(
      /^Gap: things has not read \S+\/thing from 1970-01-03T00:00:00.000Z to 1970-01-09T00:00:00.000Z; its next plain run does\.$/m,
    )
    const {stdout: json} = await runs('list', '--json')
    expect((JSON.parse(json) as {gaps: object[]}).gaps).to.have.length(1)
    await scriptedRun({source, folder: folder(), now: 11 * DAY, job: 'things'})
    expect((await runs('list')).stdout).not.to.include('Gap:')
  })

  it('passes over what another tool wrote into the event log', async () => {
    await scriptedRun({source, folder: folder(), runId: 'ours'})
    await change(
      databaseIn(folder()),
      `INSERT INTO event_log (event_id, event_type, source_system, correlation_id, created_at, status, payload)
       VALUES ('1', 'job.started', 'another tool', 'theirs', now(), 'ok', '{"job": 7}')`,
    )
    expect((await listed()).map(({run_id}) => run_id)).to.deep.equal(['ours'])
  })
})

describe('lorchestra runs show', () => {
  it('shows a run with its counts and commits', async () => {
    await scriptedRun({source, folder: folder(), runId: 'the-run', job: 'things', account: 'acct'})
    const {code, stdout} = await runs('show', 'the-run')
    expect(code).to.equal(0)
    expect(stdout).to.match(/^job +things$/m)
    expect(stdout).to.match(/^account +acct$/m)
    expect(stdout).to.match(/^inserted +2$/m)
    const [{stream}] = (await query(
      databaseIn(folder()),
      "SELECT source_system || '/' || object_type AS stream FROM raw_objects LIMIT 1",
    )) as [{stream: string}]
    expect(stdout).to.match(new RegExp(`${stream} +everything before \\S+ +2 +2 +0 +0$`, 'm'))
  })

  it('shows why a run failed', async () => {
    await scriptedRun({source: failing, folder: folder(), runId: 'the-run'})
    const {stdout} = await runs('show', 'the-run')
    expect(stdout).to.match(/^outcome +failed$/m)
    expect(stdout).to.match(/^error +the service is closed today$/m)
    expect(stdout).to.include('No commit was made.')
  })

  it('ends with 2 for a run that nobody knows', async () => {
    const {code, stderr} = await runs('show', 'nobody')
    expect(code).to.equal(2)
    expect(stderr).to.include('there is no run "nobody"')
  })
})

describe('lorchestra runs undo', () => {
  it('takes a run and the later ones back, lists them first, and says where the next run goes on', async () => {
    const request = {full: true}
    await scriptedRun({source, folder: folder(), runId: 'first', now: 1000})
    await scriptedRun({source, folder: folder(), runId: 'second', now: 2000, request})
    const refused = await runs('undo', 'first')
    expect(refused.code).to.equal(2)
    expect(refused.stderr).to.include(
      '1 later run read the same stream: second (0 inserted, 0 updated) [E_UNDO_REFUSED]',
    )
    expect(refused.stderr).to.include('→ Undo both: lorchestra runs undo first --through')
    const dry = await runs('undo', 'second', '--dry-run')
    expect(dry.stdout).to.match(
      /^=== DRY RUN MODE === \(no DuckDB writes\)\nsecond \(1970-01-01T00:00:02.000Z: 0 inserted, 0 updated\)\n\[DRY-RUN\] would undo 1 run of scripted--acct1\/thing: 0 rows would be removed, 0 restored, 2 left as they are, in [\d.]+s \(no writes\)\n$/,
    )
    const undone = await runs('undo', 'first', '--through')
    expect([undone.code, undone.stderr]).to.deep.equal([0, ''])
    expect(undone.stdout.split('\n')[2]).to.match(
      /^✓ undone 2 runs of scripted--acct1\/thing: 2 rows removed, 0 restored, 0 left as they are, in [\d.]+s$/,
    )
    expect(undone.stdout).to.include('Nothing is covered any more')
    expect((await listed()).map(({outcome}) => outcome)).to.deep.equal(['done', 'undone', 'undone'])
    expect(await query(databaseIn(folder()), 'FROM raw_objects')).to.deep.equal([])
  })
})
