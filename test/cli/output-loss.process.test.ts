import {existsSync} from 'node:fs'

import {expect} from 'chai'

import type {CliResult} from '../support/cli.ts'
import {query} from '../support/database.ts'
import {createProject, homeWith, type Project} from '../support/external-source.ts'
import {runProgram} from '../support/package-copy.ts'
import {PROGRAM} from '../support/program.ts'

const JOB = 'diary_entries'
const YAML = `
jobs:
  ${JOB}:
    source: diary
    file: records.json
`

/** A disk without room, where there is one to try. */
const FULL = '/dev/full'

describe('an output that takes nothing more', () => {
  let home: string
  let project: Project

  before(async function () {
    if (!existsSync(FULL)) this.skip()
    home = await homeWith({name: 'diary'})
  })

  beforeEach(async () => {
    project = await createProject({home, yaml: YAML})
    await project.writeRecords([{at: '2024-03-01T12:00:00Z', id: 'a'}, {at: '2024-03-01T13:00:00Z'}])
  })

  const inShell = async (line: string): Promise<CliResult> =>
    runProgram('/bin/sh', ['-c', line, process.execPath, PROGRAM], {cwd: project.folder, home})

  it('keeps no run from storing, and its exit code is the run’s', async () => {
    const {code} = await inShell(`"$0" "$1" run ${JOB} >${FULL} 2>${FULL}`)
    expect(code, 'there is a reject').to.equal(3)
    expect(await query(project.database, 'SELECT external_id FROM raw_objects')).to.deep.equal([{external_id: 'a'}])
  })

  it('fails a command whose document is lost, when all else is done, and blames no source', async () => {
    const {code, stderr} = await inShell(`"$0" "$1" run ${JOB} --json >${FULL}`)
    expect(code).to.equal(1)
    expect(stderr.trimEnd().split('\n').at(-1)).to.match(/^Error: stdout did not take .* \[E_OUTPUT_LOST\]$/)
    expect(stderr).not.to.match(/bug|^\s+at /m)
    expect(await query(project.database, 'SELECT external_id FROM raw_objects')).to.deep.equal([{external_id: 'a'}])
  })

  it('fails a dry run, of which nothing else is left', async () => {
    const {code, stderr} = await inShell(`"$0" "$1" run ${JOB} --dry-run >${FULL}`)
    expect(code).to.equal(1)
    expect(stderr).to.contain('E_OUTPUT_LOST')
  })

  it('fails a listing without a word where its reader had enough', async () => {
    const line = `{ "$0" "$1" jobs list; echo "exit $?" >&2; } | exec 0<&-`
    const {stderr} = await inShell(line)
    expect(stderr).to.equal('exit 1\n')
  })
})
