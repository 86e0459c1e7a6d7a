import {readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import type {ReportDocument} from '../../src/report/documents/report.ts'
import {lorchestra, type CliResult} from '../support/cli.ts'
import {createProject, homeWith} from '../support/external-source.ts'
import {folderForEachTest} from '../support/folder.ts'
import {scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()
const source = scriptedSource(() => [
  {id: 'one', at: 0, secret: 'what nobody else may read'},
  {id: 'two', at: 5 * DAY, secret: 'what nobody else may read'},
])
const rejecting = scriptedSource(() => [{id: 'one', at: 0}], {
  idemKey: () => {
    throw new Error('<script>alert(1)</script> has no key')
  },
})
const report = async (...args: string[]): Promise<CliResult> => {
  await writeFile(join(folder(), 'lorchestra.yaml'), 'warehouse: {type: duckdb, path: warehouse.duckdb}\n')
  return lorchestra(['report', ...args], {cwd: folder()})
}
const pageIn = async (name = 'lorchestra-report.html'): Promise<string> => readFile(join(folder(), name), 'utf8')
const documentOf = async (...args: string[]): Promise<ReportDocument> =>
  JSON.parse((await report('--json', ...args)).stdout) as ReportDocument

describe('lorchestra report', () => {
  it('writes a page for its owner alone, of what runs did, with gaps and open rejects, and no payload', async () => {
    for (const [runId, since, until] of [
      ['first', 0, DAY],
      ['second', 4 * DAY, 6 * DAY],
    ] as const)
      await scriptedRun({
        source,
        folder: folder(),
        runId,
        job: 'things',
        request: {since, until},
      })
    await scriptedRun({source: rejecting, folder: folder(), runId: 'third', job: 'others'})
    const {code, stdout, stderr} = await report()
    expect(code, stderr).to.equal(0)
    expect(stdout).to.equal(`Wrote ${join(folder(), 'lorchestra-report.html')}\n`)
    const page = await pageIn()
    if (process.platform !== 'win32')
      expect((await stat(join(folder(), 'lorchestra-report.html'))).mode & 0o777).to.equal(0o600)
    for (const words of [
      'first',
      'second',
      'third',
      'Gap: 1970-01-02 00:00 UTC',
      '&lt;script&gt;alert(…)&lt;/script&gt;',
    ])
      expect(page).to.include(words)
    for (const words of ['<script', 'what nobody else may read']) expect(page).not.to.include(words)
    const {gaps, rejects, runs, stored, plan, bytes_billed: billed} = await documentOf()
    expect(gaps.map(({job, window}) => [job, window])).to.deep.equal([
      ['things', {since: '1970-01-02T00:00:00.000Z', until: '1970-01-05T00:00:00.000Z'}],
    ])
    expect(rejects.map(({job, count}) => [job, count])).to.deep.equal([['others', 1]])
    expect(runs.map(({run_id: id}) => id)).to.have.members(['first', 'second', 'third'])
    expect(stored.tables.map(({exists}) => exists)).to.deep.equal([true, true])
    expect([plan, billed]).to.deep.equal([null, null])
  })

  it('takes the newest runs, and says that there are more', async () => {
    for (const runId of ['one', 'two']) await scriptedRun({source, folder: folder(), runId, job: 'things'})
    const {runs, more_runs: more} = await documentOf('--limit', '1')
    expect([runs.length, more]).to.deep.equal([1, true])
    expect(await pageIn()).to.include('there are older ones')
  })

  it('is of the test tables where it is told to', async () => {
    await scriptedRun({source, folder: folder(), job: 'things', mode: 'test-table', runId: 'tried'})
    expect((await documentOf()).runs).to.deep.equal([])
    const {runs, tables} = await documentOf('--test-table')
    expect([runs.map(({run_id: id}) => id), tables.raw_objects]).to.deep.equal([['tried'], 'test_raw_objects'])
  })

  it('needs no warehouse, and makes none', async () => {
    expect((await documentOf()).stored.streams).to.deep.equal([])
    expect(await pageIn()).to.include('Nothing has been covered yet.')
    await stat(join(folder(), 'warehouse.duckdb')).then(
      () => expect.fail('a database was made'),
      (error: unknown) => expect(error).to.have.property('code', 'ENOENT'),
    )
  })

  it('replaces an earlier page and no other file', async () => {
    expect((await report('--out', 'mine.html')).code).to.equal(0)
    expect((await report('--out', 'mine.html')).code).to.equal(0)
    await writeFile(join(folder(), 'mine.html'), '<!doctype html><title>My homepage</title>')
    const {code, stderr} = await report('--out', 'mine.html')
    expect([code, stderr]).to.satisfy(([exit, text]: [number, string]) => exit === 2 && text.includes('E_FILE_EXISTS'))
    expect(await pageIn('mine.html')).to.include('My homepage')
  })

  it('says where it cannot be written', async () => {
    const {code, stderr} = await report('--out', join('nowhere', 'mine.html'))
    expect(code).to.equal(1)
    expect(stderr).to.include('E_FILE_NOT_WRITTEN')
  })

  it('shows what a plan would do, and test tables beside production, with values only where it is told to', async () => {
    const home = await homeWith({name: 'diary'})
    const project = await createProject({home, yaml: 'jobs:\n  diary_entries: {source: diary, file: records.json}\n'})
    await project.writeRecords([{at: '2024-03-01T12:00:00.000Z', id: 'a', text: 'dear diary'}])
    for (const flags of ['--dry-run --diff --out diary.lorplan', '--test-table'])
      expect((await project.run(['run', 'diary_entries', ...flags.split(' ')])).code).to.equal(0)
    const asked = ['report', '--plan', 'diary.lorplan', '--compare', 'diary_entries', '--json']
    const {stdout, stderr} = await project.run(asked)
    const {plan, comparisons} = JSON.parse(stdout) as ReportDocument
    expect(plan?.diff.counts.insert, stderr).to.equal(1)
    expect(comparisons.map(({comparison}) => comparison.counts.insert)).to.deep.equal([1])
    const page = join(project.folder, 'lorchestra-report.html')
    expect(await readFile(page, 'utf8')).not.to.include('dear diary')
    await project.run([...asked, '--diff-samples', '1'])
    expect(await readFile(page, 'utf8')).to.include('dear diary')
  })
})
