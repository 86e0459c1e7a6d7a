import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import type {ReportDocument} from '../../../src/report/documents/report.ts'
import {PROJECT, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {lorchestra, temporaryFolder, type CliResult} from '../../support/cli.ts'

describe('lorchestra report on BigQuery', () => {
  let emulator: Emulator
  before(async () => {
    emulator = await startEmulator()
  })
  after(async () => {
    await emulator.stop()
  })

  it('tells what runs did, how far streams are covered, what was rejected, and what reading it cost', async () => {
    const folder = await temporaryFolder()
    const run = async (line: string, code = 0): Promise<CliResult> => {
      const result = await lorchestra(line.split(' '), {cwd: folder})
      expect(result.code, `${line}: ${result.stderr}`).to.equal(code)
      return result
    }
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      `warehouse: {type: bigquery, project: ${PROJECT}, dataset: ${await emulator.createDataset()}, api_endpoint: '${emulator.url}'}
jobs:
  notes: {source: files, path: 'incoming/*.jsonl', key: id}
`,
    )
    await mkdir(join(folder, 'incoming'))
    const notes = [{id: 'a', text: 'what nobody else may read'}, {id: 'b', text: 'another'}, {text: 'has no key'}]
    await writeFile(join(folder, 'incoming', 'notes.jsonl'), notes.map((note) => `${JSON.stringify(note)}\n`).join(''))
    await run('warehouse create')
    const document = async (...flags: readonly string[]): Promise<ReportDocument> =>
      JSON.parse((await run(['report', '--json', ...flags].join(' '))).stdout) as ReportDocument
    const page = async (): Promise<string> => readFile(join(folder, 'lorchestra-report.html'), 'utf8')

    const empty = await document()
    expect([empty.runs, empty.stored.streams, empty.last_diffs]).to.deep.equal([[], [], []])
    await run('run notes', 3)
    await run('run notes --test-table --full', 3)
    await writeFile(join(folder, 'incoming', 'more.jsonl'), '{"id": "c", "text": "new"}\n')
    await run('run notes --dry-run --diff')
    await run('test compare notes')

    const {
      warehouse,
      runs,
      rejects,
      stored,
      last_diffs: diffs,
      last_comparisons: comparisons,
      ...report
    } = await document()
    expect([warehouse, report.tables.raw_objects, typeof report.bytes_billed]).to.deep.equal([
      'BigQuery',
      'raw_objects',
      'number',
    ])
    expect(runs.map(({job, outcome, counts}) => [job, outcome, counts.inserted, counts.rejected])).to.deep.equal([
      ['notes', 'done', 2, 1],
    ])
    expect(runs[0]?.bytes_billed).to.be.a('number')
    expect(rejects.map(({job, count}) => [job, count])).to.deep.equal([['notes', 1]])
    expect(stored.streams.map(({job, covered}) => [job, covered.length])).to.deep.equal([['notes', 1]])
    expect(diffs.map(({diff}) => [diff.counts.insert, diff.samples])).to.deep.equal([[1, []]])
    expect(comparisons.map(({comparison}) => comparison.counts.unchanged)).to.deep.equal([2])
    expect(await page())
      .to.include('were billed for')
      .and.not.to.include('what nobody else may read')
    const ofTest = await document('--test-table', '--compare', 'notes', '--diff-samples', '1')
    expect([ofTest.tables.raw_objects, ofTest.runs.map(({mode}) => mode), ofTest.last_comparisons]).to.deep.equal([
      'test_raw_objects',
      ['test-table'],
      [],
    ])
    expect(ofTest.comparisons.map(({comparison}) => comparison.counts.unchanged)).to.deep.equal([2])
  })
})
