import {readdir, readFile, stat, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import type {ReportDocument} from '../../src/report/documents/report.ts'
import {dataFolder, lorchestra, type CliResult} from '../support/cli.ts'
import {createProject, homeWith, type Project} from '../support/external-source.ts'
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

  describe('of what was compared last', () => {
    const DIFF = ['run', 'diary_entries', '--dry-run', '--diff']
    const COMPARE = ['test', 'compare', 'diary_entries']
    let project: Project
    const keptFolder = (): string => join(dataFolder(project.home), 'differences')
    const keptFiles = async (): Promise<readonly string[]> =>
      (await readdir(keptFolder(), {recursive: true}))
        .filter((name) => name.endsWith('.json'))
        .map((name) => join(keptFolder(), name))
    const ofProject = async (...args: string[]): Promise<ReportDocument> => {
      const {stdout, stderr, code} = await project.run(['report', '--json', ...args])
      expect(code, stderr).to.equal(0)
      return JSON.parse(stdout) as ReportDocument
    }
    const pageOfProject = async (): Promise<string> => readFile(join(project.folder, 'lorchestra-report.html'), 'utf8')
    const done = async (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliResult> => {
      const result = await project.run(args, env)
      expect(result.code, result.stderr).to.equal(0)
      return result
    }

    beforeEach(async () => {
      const home = await homeWith({name: 'diary'})
      project = await createProject({
        home,
        yaml: "jobs:\n  diary_entries: {source: diary, file: records.json, mask: ['/id']}\n",
      })
      await project.writeRecords([{at: '2024-03-01T12:00:00.000Z', id: 'a', text: 'dear diary'}])
    })

    it('shows counts and paths without being asked, and rows only where both commands were asked for them', async () => {
      await done(['run', 'diary_entries'])
      await project.writeRecords([{at: '2024-03-01T12:00:00.000Z', id: 'a', text: 'my secret crush'}])
      await done([...DIFF, '--full', '--refetch'])
      await done(['run', 'diary_entries', '--test-table'])
      await done(COMPARE)
      const {last_diffs: diffs, last_comparisons: comparisons} = await ofProject('--diff-samples', '3')
      expect(diffs.map(({job, diff}) => [job, diff.counts.update, diff.paths, diff.samples])).to.deep.equal([
        ['diary_entries', 1, [{path: '/text', records: 1}], []],
      ])
      expect(comparisons.map(({job, comparison}) => [job, comparison.counts.update, comparison.samples])).to.deep.equal(
        [['diary_entries', 1, []]],
      )
      const page = await pageOfProject()
      for (const words of ['What the last dry run of diary_entries would have done', 'as they were last compared'])
        expect(page).to.include(words)
      for (const path of await keptFiles()) expect(await readFile(path, 'utf8')).not.to.match(/crush|dear/)
      await done([...DIFF, '--full', '--refetch', '--diff-samples', '2'])
      await done([...COMPARE, '--diff-samples', '2'])
      await ofProject()
      expect(await pageOfProject()).not.to.include('crush')
      const shown = await ofProject('--diff-samples', '1')
      expect([
        shown.last_diffs[0]?.diff.samples.length,
        shown.last_comparisons[0]?.comparison.samples.length,
      ]).to.deep.equal([1, 1])
      expect(await pageOfProject()).to.include('my secret crush')
    })

    it('keeps it for the user alone, rows with what mask: names hidden', async () => {
      await done([...DIFF, '--diff-samples', '2'])
      const [path = ''] = await keptFiles()
      if (process.platform !== 'win32') {
        expect((await stat(path)).mode & 0o777).to.equal(0o600)
        expect((await stat(keptFolder())).mode & 0o777).to.equal(0o700)
      }
      const kept = JSON.parse(await readFile(path, 'utf8')) as ReportDocument['last_diffs'][number]
      expect(kept.diff.samples.map((sample) => ('payload' in sample ? sample.payload : ''))).to.deep.equal([
        '{"at":"2024-03-01T12:00:00.000Z","id":"***","text":"dear diary"}',
      ])
    })

    it('forgets it after 14 days, and the next run removes it', async () => {
      await done([...DIFF])
      const [path = ''] = await keptFiles()
      const old = new Date(Date.now() - 15 * DAY)
      await utimes(path, old, old)
      expect((await ofProject()).last_diffs).to.deep.equal([])
      expect(await pageOfProject()).to.include('Nothing was compared here within 14 days')
      await done(['run', 'diary_entries'])
      expect(await keptFiles()).to.deep.equal([])
    })

    it('is without what it cannot read, and says so', async () => {
      await done([...DIFF])
      const [path = ''] = await keptFiles()
      for (const text of ['', '{"job":"diary_entries"}']) {
        await writeFile(path, text)
        const {code, stderr} = await project.run(['report'])
        expect(code).to.equal(0)
        expect(stderr).to.include(`the report is without ${path}`)
      }
    })

    it('ends no command where it cannot be kept, and says so', async () => {
      await writeFile(keptFolder(), 'no folder')
      const {stdout, stderr} = await done([...DIFF])
      expect(stdout).to.include('would insert 1')
      expect(stderr).to.include('`lorchestra report` will not show this diff of diary_entries: ')
      await done(['run', 'diary_entries', '--test-table'])
      expect((await done(COMPARE)).stderr).to.include('will not show this comparison of diary_entries: ')
      expect((await ofProject()).last_diffs).to.deep.equal([])
    })
  })
})
