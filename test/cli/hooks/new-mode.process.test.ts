import {readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import type {CliResult} from '../../support/cli.ts'
import {query} from '../../support/database.ts'
import {homeWith, createProject, exists, type Project} from '../../support/external-source.ts'
import {copyPackage, runNode} from '../../support/package-copy.ts'

const JOB = 'diary_entries'

const ROW = `
  shadow: {
    flag: {name: 'shadow', description: 'write to the test tables, in silence'},
    reads: 'test',
    writes: 'test',
    banner: ({tables}) => '=== SHADOW MODE === (writing to ' + tables + ')',
    linePrefix: '[SHADOW] ',
    lineSuffix: '',
  },`

/** Changes a built package as a contributor would change its source. */
async function edit(copy: string, from: RegExp, to: string): Promise<void> {
  const chunks = join(copy, 'dist', 'chunks')
  const paths = (await readdir(chunks)).filter((name) => name.endsWith('.js')).map((name) => join(chunks, name))
  const codes = await Promise.all(paths.map(async (path) => ({path, code: await readFile(path, 'utf8')})))
  const [found, ...others] = codes.filter(({code}) => from.test(code))
  expect(others).to.deep.equal([])
  if (found === undefined) throw new Error(`nothing built has ${from.source}`)
  await writeFile(found.path, found.code.replace(from, to))
}

describe('a run mode that is added', () => {
  let home: string
  let project: Project
  let copy: string

  before(async () => {
    home = await homeWith({name: 'diary'})
  })

  beforeEach(async () => {
    project = await createProject({
      home,
      yaml: `jobs:\n  ${JOB}:\n    source: diary\n    file: records.json\n    calls: RECORDED\n`,
    })
    await project.writeRecords([{at: '2024-03-01T12:00:00Z', id: 'a'}])
    copy = await copyPackage()
    await edit(copy, /const ROWS = \{/, `$&${ROW}`)
  })

  const run = async (...flags: readonly string[]): Promise<CliResult> =>
    runNode([join(copy, 'bin', 'run.js'), 'run', JOB, ...flags], {cwd: project.folder, home})

  it('opens no production while no sink is made for it: nothing is read and nothing written', async () => {
    const {code, stderr} = await run('--shadow')
    expect(stderr).to.contain('nothing here knows the run mode shadow')
    expect(code).to.equal(70)
    expect(await exists(project.database)).to.equal(false)
    expect(project.calls()).to.deep.equal([])
  })

  it('excludes the modes that were there before', async () => {
    for (const other of ['--dry-run', '--test-table']) {
      const {code, stderr} = await run('--shadow', other)
      expect(stderr).to.contain('cannot also be provided when using')
      expect(code).to.equal(2)
    }
    expect(await exists(project.database)).to.equal(false)
  })

  it('is one row, one sink and its words: the flag, the banner and the tables follow', async () => {
    await edit(copy, /case "production":\n/, 'case "shadow":\n$&')
    const {code, stdout, stderr} = await run('--shadow')
    expect(code, stderr).to.equal(0)
    expect(stdout).to.contain('=== SHADOW MODE === (writing to test_event_log, test_raw_objects)')
    expect(stdout).to.contain(`[SHADOW] ${JOB}: 1 extracted, 1 inserted`)
    const tables = await query(project.database, 'SELECT table_name FROM duckdb_tables() ORDER BY 1')
    expect(tables.map((row) => row['table_name'])).to.deep.equal(['test_event_log', 'test_raw_objects'])
    const help = await runNode([join(copy, 'bin', 'run.js'), 'jobs', 'show', JOB], {cwd: project.folder, home})
    expect(help.stdout).to.contain('--shadow writes')
  })
})
