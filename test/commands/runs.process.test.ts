import {readdir, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import stringWidth from 'string-width'

import {dataFolder, homeOfTest, lorchestra} from '../support/cli.ts'
import {change, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {PROGRAM} from '../support/program.ts'
import {scriptedSource} from '../support/scripted-source.ts'
import {programOnTerminal, terminalIsThere} from '../support/terminal.ts'

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
/** What a terminal of so many columns shows, and with its colours. */
const shown = async (line: string, {columns, env}: {columns: number; env?: Record<string, string>}) => {
  const command = ['sh', '-c', `stty cols ${columns}; exec "$0" "$@"`, process.execPath, PROGRAM, ...line.split(' ')]
  return programOnTerminal(command, {cwd: folder(), ...(env !== undefined && {env})}, [])
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
    expect(lines[0]).to.match(/^others +\S+Z +production +failed +0 +0 +0 +0 .* failed +the service is closed today$/)
    expect(lines[1]).to.match(/^things +\S+Z +test-table +done +2 +2 +0 +0 .*everything before \S+ +tried$/)
    expect(lines[2]).to.match(/^things +\S+Z +production +done +2 +2 +0 +0 .*everything before \S+ +first$/)
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

  it('takes those of one mode, of one outcome, and since a time', async () => {
    const DAY = 86_400_000
    await scriptedRun({source, folder: folder(), runId: 'first', job: 'things', now: DAY})
    await scriptedRun({source, folder: folder(), runId: 'tried', job: 'things', mode: 'test-table', now: 2 * DAY})
    await scriptedRun({source: failing, folder: folder(), runId: 'failed', job: 'others', now: 3 * DAY})
    await scriptedRun({source, folder: folder(), runId: 'dead', job: 'things', now: 4 * DAY})
    await change(
      databaseIn(folder()),
      "DELETE FROM event_log WHERE event_type = 'job.completed' AND correlation_id = 'dead'",
      `UPDATE event_log SET payload = json_merge_patch(payload, '{"process": {"token": "another process"}}')
       WHERE event_type = 'job.started' AND correlation_id = 'dead'`,
    )
    const ids = async (...args: string[]) => (await listed(...args)).map(({run_id}) => run_id)
    expect(await ids('--mode', 'test-table')).to.deep.equal(['tried'])
    expect(await ids('--mode', 'production', '--limit', '2')).to.deep.equal(['dead', 'failed'])
    expect(await ids('--outcome', 'failed')).to.deep.equal(['failed'])
    expect(await ids('--outcome', 'died')).to.deep.equal(['dead'])
    expect(await ids('--outcome', 'running')).to.deep.equal([])
    expect(await ids('--outcome', 'done', '--job', 'things', '--limit', '1')).to.deep.equal(['tried'])
    expect(await ids('--since', '1970-01-04')).to.deep.equal(['dead', 'failed'])
    expect(await ids('--since', '-7d')).to.deep.equal([])
    expect((await runs('list', '--outcome', 'undone')).stdout).to.include('The event log knows of no such run.')
  })

  it('refuses what contradicts itself, and what is no time or outcome', async () => {
    const refused = async (...args: string[]) => (await runs('list', ...args)).stderr
    expect(await refused('--mode', 'production', '--test-set', 'alice')).to.include('the two are mutually exclusive')
    expect(await refused('--outcome', 'good')).to.include('Expected --outcome=good to be one of')
    expect(await refused('--since', 'soon'))
      .to.include('--since soon is not an instant')
      .and.include('[E_WINDOW_INVALID]')
    expect(await refused('--mode', 'dry-run')).to.include('Expected --mode=dry-run to be one of')
  })

  it('fits terminals of 60, 80 and 120 columns, with ages, and in colours unless NO_COLOR says no', async function () {
    if (!terminalIsThere()) this.skip()
    const job = 'dataverse_ingest_contacts'
    const runId = `${job}-20260131120000-0a1b2c3d`
    await scriptedRun({source, folder: folder(), runId, job, now: Date.now() - 3 * 3_600_000})
    await writeFile(join(folder(), 'lorchestra.yaml'), 'warehouse: {type: duckdb, path: warehouse.duckdb}\n')
    for (const columns of [60, 80, 120]) {
      const {screen, colours} = await shown(`runs list`, {columns})
      for (const line of screen.split(/\r?\n/)) expect(stringWidth(line), line).to.be.at.most(columns)
      expect(screen).to.match(/^dataverse_ingest_\S*.* 3 h ago .*0a1b2c3d/m)
      expect(colours).to.include('\u001B[32mdone')
    }
    expect((await shown('runs list', {columns: 80, env: {NO_COLOR: '1'}})).colours).not.to.include('\u001B[3')
    const piped = await lorchestra(['runs', 'list'], {cwd: folder()})
    expect(piped.stdout).not.to.include('\u001B[')
    const forced = await lorchestra(['runs', 'list'], {cwd: folder(), env: {FORCE_COLOR: '1'}})
    expect(forced.stdout).to.include('\u001B[32mdone')
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
    expect(stdout).to.match(new RegExp(`${stream} +\\S+Z +everything before \\S+ +2 +2 +0 +0$`, 'm'))
  })

  it('shows why a run failed', async () => {
    await scriptedRun({source: failing, folder: folder(), runId: 'the-run'})
    const {stdout} = await runs('show', 'the-run')
    expect(stdout).to.match(/^outcome +failed$/m)
    expect(stdout).to.match(/^error +the service is closed today$/m)
    expect(stdout).to.include('No commit was made.')
  })

  it('finds the latest, the newest of a job, and a run by the beginning or the end of its id', async () => {
    for (const [id, job] of [
      ['things-20260131120000-0a1b2c3d', 'things'],
      ['things-20260201120000-ffffffff', 'things'],
      ['things_b-20260202120000-aaaaaaaa', 'things_b'],
    ] as const)
      await scriptedRun({source, folder: folder(), runId: id, job})
    const shownRun = async (name: string) => {
      const {stdout} = await runs('show', name, '--json')
      return (JSON.parse(stdout) as {run: {run_id: string}}).run.run_id
    }
    expect(await shownRun('latest')).to.equal('things_b-20260202120000-aaaaaaaa')
    expect(await shownRun('things')).to.equal('things-20260201120000-ffffffff')
    expect(await shownRun('0a1b2c3d')).to.equal('things-20260131120000-0a1b2c3d')
    expect(await shownRun('things-202601')).to.equal('things-20260131120000-0a1b2c3d')
    const {code, stderr} = await runs('show', 'thing')
    expect(code).to.equal(2)
    expect(stderr).to.include(
      '"thing" is the beginning or end of several runs: things_b-20260202120000-aaaaaaaa, things-',
    )
    expect(stderr).to.include('→ Give more of the one that is meant.')
  })

  it('ends with 2 for a run that nobody knows', async () => {
    const {code, stderr} = await runs('show', 'nobody')
    expect(code).to.equal(2)
    expect(stderr).to.include('there is no run "nobody"')
  })
})

describe('lorchestra runs log', () => {
  const project = async (): Promise<void> => {
    await writeFile(join(folder(), 'notes.json'), '[{"id": 1}, {"id": 2}]')
    await writeFile(
      join(folder(), 'lorchestra.yaml'),
      'warehouse: {type: duckdb, path: warehouse.duckdb}\njobs: {notes: {source: files, path: notes.json, key: id, max_rejects: 0}}\n',
    )
  }
  const command = async (...args: string[]) => lorchestra(args, {cwd: folder()})

  it('shows the windows, the commits and the end of the latest run, of a dry run too', async () => {
    await project()
    expect((await command('run', 'notes')).code).to.equal(0)
    const {code, stdout} = await command('runs', 'log')
    expect(code).to.equal(0)
    expect(stdout).to.match(/ info {2}notes: run notes-\S+ begins mode=production source=files\n/)
    expect(stdout).to.match(/ info {2}notes: reads everything before \S+\n/)
    expect(stdout).to.match(/ info {2}notes: commit 1 is in .*extracted=2 inserted=2 /)
    expect(stdout).to.match(/ info {2}ended after [\d.]+s with 1 commit listed=2 extracted=2 inserted=2\n$/)
    await command('run', 'notes', '--dry-run', '--full')
    expect((await command('runs', 'log', 'notes')).stdout).to.include('mode=dry-run')
    const logs = join(dataFolder(await homeOfTest()), 'logs')
    const files = (await readdir(logs, {recursive: true})).filter((name) => name.endsWith('.log'))
    expect(files).to.have.length(2)
    if (process.platform !== 'win32')
      for (const file of files) expect((await stat(join(logs, file))).mode & 0o777).to.equal(0o600)
  })

  it('says why a run failed', async () => {
    await project()
    await writeFile(join(folder(), 'notes.json'), 'no JSON')
    expect((await command('run', 'notes')).code).to.equal(1)
    expect((await command('runs', 'log', 'latest')).stdout).to.match(/ error Error: .* \[E_\w+\]\n/)
  })

  it('is not there for a run of another machine, which is an error that says where logs are', async () => {
    await project()
    const {code, stderr} = await command('runs', 'log', 'notes-20260131120000-0a1b2c3d')
    expect(code).to.equal(2)
    expect(stderr).to.include('is kept here [E_RUN_LOG_UNKNOWN]').and.include('Logs are kept for 14 days')
  })

  it('keeps nothing where the home cannot be written, and the run does not mind', async () => {
    await project()
    const data = join(folder(), 'data')
    await writeFile(data, '')
    const {code, stderr} = await lorchestra(['run', 'notes', '--log-level', 'debug'], {
      cwd: folder(),
      env: {XDG_DATA_HOME: data},
    })
    expect(code, stderr).to.equal(0)
    expect(stderr).to.match(/ debug no log of run notes-\S+ is kept: /)
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
