import {createHash} from 'node:crypto'

import {expect} from 'chai'

import type {CliResult} from '../support/cli.ts'
import {events, query} from '../support/database.ts'
import {createProject, homeWith, type ExternalRecord, type Project} from '../support/external-source.ts'
import {runProgram} from '../support/package-copy.ts'
import {PROGRAM} from '../support/program.ts'

const DAY = 86_400_000
const JOB = 'ledger_entries'
const START = Date.UTC(2024, 2, 1)
const YAML = `
jobs:
  ${JOB}:
    source: ledger
    file: records.json
    start: 2024-03-01T00:00:00Z
    slice: 1d
`

describe('a full disk', () => {
  let home: string
  let project: Project
  const TEXT = 'not compressible: '

  before(async () => {
    home = await homeWith({name: 'ledger'})
  })

  beforeEach(async () => {
    project = await createProject({home, yaml: YAML})
  })

  /** No file may grow beyond so many KiB: what is written after that fails as on a full disk. */
  const runWithFilesUpTo = async (kibibytes: number, ...flags: readonly string[]): Promise<CliResult> => {
    const limited = ['-c', 'ulimit -f "$0"; exec "$@"', String(kibibytes)]
    const program = [process.execPath, PROGRAM, 'run', JOB, ...flags]
    return runProgram('bash', [...limited, ...program], {cwd: project.folder, home})
  }

  const records = (count: number, kibibytes: number): readonly ExternalRecord[] =>
    Array.from({length: count}, (_, index) => ({
      at: new Date(START + index * 60_000).toISOString(),
      id: `r${index}`,
      text: TEXT + createText(index, kibibytes * 1024),
    }))

  const stored = async (): Promise<unknown> =>
    query(project.database, 'SELECT count(*)::INT AS rows, count(DISTINCT idem_key)::INT AS keys FROM raw_objects')

  it('under the temporary files ends with 1, says so, writes no record, and the next run stores them all', async () => {
    await project.writeRecords(records(40, 100))
    const {code, stderr} = await runWithFilesUpTo(2000)
    expect(code, stderr).to.equal(1)
    expect(stderr).to.match(/✗ .*temporary files.*: EFBIG|ENOSPC/)
    expect(stderr).to.match(/→ .*(room|space)/)
    expect(await stored()).to.deep.equal([{rows: 0, keys: 0}])
    expect(await events(project.database, 'ingestion.completed')).to.deep.equal([])
    const next = await project.run(['run', JOB])
    expect(next.code, next.stderr).to.equal(0)
    expect(await stored()).to.deep.equal([{rows: 40, keys: 40}])
  })

  it('under the database ends with 1, keeps what was committed before, and the next run stores the rest', async () => {
    const daily = records(12, 300).map((record, index) => ({
      ...record,
      at: new Date(START + index * DAY).toISOString(),
    }))
    await project.writeRecords(daily)
    const readUpTo = async (day: number): Promise<CliResult> =>
      runWithFilesUpTo(2000, '--until', new Date(START + day * DAY).toISOString())
    let whole = 0
    let last = await readUpTo(1)
    for (; last.code === 0 && whole < daily.length; last = await readUpTo(whole + 1)) whole += 1
    expect(last.code, `after ${whole} days: ${last.stderr}`).to.equal(1)
    expect(last.stderr).to.match(/✗ .*DuckDB.*(File too large|No space left)/)
    expect(last.stderr).to.match(/→ .*(room|space)/)
    expect(await stored()).to.deep.equal([{rows: whole, keys: whole}])
    expect(await events(project.database, 'ingestion.completed')).to.have.length(whole)
    const next = await project.run(['run', JOB])
    expect(next.code, next.stderr).to.equal(0)
    expect(await stored()).to.deep.equal([{rows: daily.length, keys: daily.length}])
  })
})

function createText(seed: number, length: number): string {
  const parts: string[] = []
  for (let part = 0; part * 64 < length; part += 1) {
    parts.push(createHash('sha256').update(`${seed}/${part}`).digest('hex'))
  }
  return parts.join('')
}
