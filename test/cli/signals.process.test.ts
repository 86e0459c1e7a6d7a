import {mkdir, readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import type {RunningCli} from '../support/cli.ts'
import {holdDatabase} from '../support/database-holder.ts'
import {events, query} from '../support/database.ts'
import {
  copyOfHome,
  createProject,
  exists,
  homeWith,
  untilStderrHas,
  type ExternalRecord,
  type Project,
} from '../support/external-source.ts'

const JOB = 'diary_entries'
// A day is a slice, so that there is a whole one before the one that hangs.
const YAML = `
jobs:
  ${JOB}:
    source: diary
    file: records.json
    start: 2024-03-01T00:00:00Z
    slice: 1d
  second_entries:
    source: diary
    source_system: second
    file: records.json
`
const RECORDS: readonly ExternalRecord[] = [
  {at: '2024-03-01T12:00:00Z', id: 'whole'},
  {at: '2024-03-02T11:00:00Z', id: 'unfinished'},
  {at: '2024-03-02T12:00:00Z', hang: true},
]

describe('a run whose source hangs and does not listen', () => {
  let homeWithDiary: string
  let home: string
  let project: Project

  before(async () => {
    homeWithDiary = await homeWith({name: 'diary'})
  })

  beforeEach(async () => {
    home = await copyOfHome(homeWithDiary)
    project = await createProject({home, yaml: YAML})
    await project.writeRecords(RECORDS)
  })

  async function startHanging(...args: readonly string[]): Promise<RunningCli> {
    const running = await project.start(['run', JOB, ...args])
    await untilStderrHas(running, 'hanging')
    return running
  }

  async function spooled(): Promise<readonly string[]> {
    const spool = join(home, 'cache', 'lorchestra', 'spool')
    return (await exists(spool)) ? readdir(spool, {recursive: true}) : []
  }

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const) {
    it(`ends with ${code} on ${signal}, twice at once, keeps what is whole, says so in the event log and leaves no file`, async () => {
      const running = await startHanging('second_entries')
      expect(await spooled()).not.to.deep.equal([])
      running.process.kill(signal)
      running.process.kill(signal)
      const {code: found, stderr} = await running.result
      expect(found).to.equal(code)
      expect(stderr).to.contain(`✗ ${JOB}: stopped by ${signal}`)
      expect(stderr.trimEnd().split('\n').at(-1)).to.equal(
        '  1 stored (2024-03-01T00:00:00.000Z to 2024-03-02T00:00:00.000Z), 1 fetched record will be read again; the same command goes on from there.',
      )
      expect(await query(project.database, 'SELECT external_id FROM raw_objects')).to.deep.equal([
        {external_id: 'whole'},
      ])
      const [failed, ...others] = await events(project.database, 'job.failed')
      expect(others).to.deep.equal([])
      expect(failed).to.include({status: 'failed', error_message: `stopped by ${signal}`})
      const started = await events(project.database, 'job.started')
      expect(started.length, 'the next job does not begin').to.equal(1)
      expect(await spooled()).to.deep.equal([])
    })
  }

  it('leaves its stream to the next run at once', async () => {
    const running = await startHanging()
    running.process.kill('SIGTERM')
    await running.result
    const {code, stdout} = await project.run(['run', JOB, '--until', '2024-03-02T12:00:00Z'])
    expect(code).to.equal(0)
    expect(stdout).to.contain('1 extracted, 1 inserted')
  })

  it('ends at once on a signal that comes a second after the first', async () => {
    const running = await startHanging()
    // It would wait for the file, to store what is whole.
    const holder = await holdDatabase(project.database)
    const since = performance.now()
    const pressing = setInterval(() => running.process.kill('SIGINT'), 50)
    try {
      const {code} = await running.result
      expect(code).to.equal(130)
      expect(performance.now() - since).to.be.at.least(1000)
    } finally {
      clearInterval(pressing)
      await holder.close()
    }
    expect(await events(project.database, 'job.failed'), 'it had no time for that').to.deep.equal([])
    const {code: next} = await project.run(['run', JOB, '--until', '2024-03-02T12:00:00Z'])
    expect(next, 'its stream is free').to.equal(0)
  })

  it('leaves no file behind for longer than until the next run when it is killed', async () => {
    const running = await startHanging()
    running.process.kill('SIGKILL')
    await running.result
    expect(await spooled()).not.to.deep.equal([])
    const {code} = await project.run(['run', JOB, '--until', '2024-03-02T12:00:00Z'])
    expect(code).to.equal(0)
    expect(await spooled()).to.deep.equal([])
  })

  it('is not kept from its work by a stray file among the temporary ones', async () => {
    const spool = join(home, 'cache', 'lorchestra', 'spool')
    await mkdir(spool, {recursive: true})
    await writeFile(join(spool, '.DS_Store'), '')
    const {code, stderr} = await project.run(['run', JOB, '--until', '2024-03-02T12:00:00Z'])
    expect(code, stderr).to.equal(0)
  })

  it('is a dry run that can be stopped as well, and says so in its document', async () => {
    const running = await startHanging('--dry-run', '--json')
    running.process.kill('SIGINT')
    const {code, stdout} = await running.result
    expect(code).to.equal(130)
    const {runs} = JSON.parse(stdout) as {runs: readonly {outcome: string; mode: string}[]}
    expect(runs.map(({outcome, mode}) => [outcome, mode])).to.deep.equal([['interrupted', 'dry-run']])
    expect(await exists(project.database)).to.equal(false)
    expect(await spooled()).to.deep.equal([])
  })
})
