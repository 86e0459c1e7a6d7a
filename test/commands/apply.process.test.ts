import {readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {query} from '../support/database.ts'
import {createProject, exists, homeWith, type Project} from '../support/external-source.ts'
import {readPlan} from '../../src/run/read-plan.ts'

const SECRET = 'tok-4f1d0c77aa'
const YAML = `
accounts:
  acct1: {source: diary, file: "records.json?${SECRET}"}
jobs:
  diary_entries: {source: diary, file: records.json}
  diary_others: {source: diary, file: records.json, source_system: others}
`
const RECORDS = [
  {at: '2024-03-01T12:00:00.000Z', id: 'a', text: 'one'},
  {at: '2024-03-01T13:00:00.000Z', id: 'b', text: 'two'},
]

describe('lorchestra apply', () => {
  let home = ''
  let project: Project
  before(async () => (home = await homeWith({name: 'diary'})))
  beforeEach(async () => {
    project = await createProject({home, yaml: YAML})
    await project.writeRecords(RECORDS)
  })

  const plan = async (...more: readonly string[]) =>
    project.run(['run', 'diary_entries', '--dry-run', '--diff', '--out', 'diary.lorplan', ...more])
  const idOf = async (): Promise<string> => {
    const {id, file} = await readPlan(join(project.folder, 'diary.lorplan'))
    await file.close()
    return id
  }

  it('writes what the plan holds, once, although the source says something else by now', async () => {
    const made = await plan()
    expect([made.code, made.stderr]).to.deep.equal([0, ''])
    const id = await idOf()
    expect(made.stdout).to.include(`plan ${id}`).and.include('lorchestra apply diary.lorplan')
    expect((await stat(join(project.folder, 'diary.lorplan'))).mode & 0o777).to.equal(0o600)
    expect(await exists(project.database)).to.equal(false)
    await project.writeRecords([{...RECORDS[0], at: '2024-03-01T12:00:00.000Z', text: 'another'}])

    const shown = await project.run(['plan', 'show', 'diary.lorplan'])
    expect(shown.code, shown.stderr).to.equal(0)
    expect(shown.stdout).to.include(id).and.include('would insert 2, update 0, leave 0 unchanged')
    const dry = await project.run(['apply', 'diary.lorplan', '--dry-run'])
    expect([dry.code, dry.stderr]).to.deep.equal([0, ''])
    expect(dry.stdout).to.include('(no writes)')
    expect(await exists(project.database)).to.equal(false)

    const applied = await project.run(['apply', 'diary.lorplan', '--expect', id])
    expect([applied.code, applied.stderr]).to.deep.equal([0, ''])
    expect(applied.stdout).to.match(/^✓ diary_entries: 2 extracted, 2 inserted, 0 updated, completed in/m)
    const rows = await query(project.database, "SELECT payload->>'$.text' AS text FROM raw_objects ORDER BY idem_key")
    expect(rows.map(({text}) => text)).to.deep.equal(['one', 'two'])
    const {stdout: ofRun} = await project.run(['runs', 'show', 'latest'])
    expect(ofRun).to.match(new RegExp(`^plan +${id}$`, 'm'))
    const record = await project.run(['show', 'entry:diary:a', '--json'])
    expect((JSON.parse(record.stdout) as {first_run: string}).first_run).to.match(/^diary_entries-\d{14}-[0-9a-f]{8}$/)

    const again = await project.run(['apply', 'diary.lorplan'])
    expect(again.code).to.equal(2)
    expect(again.stderr).to.match(/applied already by run diary_entries-\d{14}-[0-9a-f]{8} \[E_PLAN_REFUSED\]/)
    const next = await project.run(['run', 'diary_entries', '--json'])
    expect((JSON.parse(next.stdout) as {runs: [{counts: {extracted: number}}]}).runs[0].counts.extracted).to.equal(0)
  })

  it('ends with 1 and writes nothing where production moved, and with 2 where nothing is to be contacted', async () => {
    await plan()
    const id = await idOf()
    for (const [more, words] of [
      [['--expect', id.slice(1)], 'E_PLAN_REFUSED'],
      [['--config', 'elsewhere.yaml'], 'E_PLAN_REFUSED'],
    ] as const) {
      await project.write('elsewhere.yaml', `warehouse: {type: duckdb, path: elsewhere.duckdb}\n${YAML}`)
      const {code, stderr} = await project.run(['apply', 'diary.lorplan', ...more])
      expect(code, stderr).to.equal(2)
      expect(stderr).to.include(words)
    }
    const path = join(project.folder, 'diary.lorplan')
    const good = await readFile(path)
    const bad = Buffer.from(good)
    bad[100] = (bad[100] ?? 0) ^ 1
    await writeFile(path, bad)
    const damaged = await project.run(['apply', 'diary.lorplan', '--json'])
    expect(damaged.code).to.equal(2)
    expect(JSON.parse(damaged.stdout)).to.have.property('error').that.includes({code: 'E_PLAN_DAMAGED'})
    expect(await exists(project.database)).to.equal(false)
    await writeFile(path, good)
    await project.run(['run', 'diary_entries'])
    const moved = await project.run(['apply', 'diary.lorplan'])
    expect(moved.code).to.equal(1)
    expect(moved.stderr).to.match(/production moved since this plan was made: run diary_entries-.* committed 2 records/)
    expect(moved.stderr).to.include('Make a new plan.')
  })

  it('refuses a plan that has expired, of several jobs, of another mode, without a diff, and over another file', async () => {
    const short = await plan('--plan-expires', '0s')
    expect(short.code, short.stderr).to.equal(0)
    const expired = await project.run(['apply', 'diary.lorplan'])
    expect(expired.code).to.equal(2)
    expect(expired.stderr).to.include('the plan expired at')
    for (const line of [
      'run diary_entries --dry-run --diff --out diary.lorplan',
      'run diary_* --dry-run --diff --out both.lorplan',
      'run diary_entries --test-table --diff --out other.lorplan',
      'run diary_entries --dry-run --out other.lorplan',
      'run diary_entries --out other.lorplan',
      'apply diary.lorplan --test-table',
      'apply missing.lorplan',
    ]) {
      const {code, stderr} = await project.run(line.split(' '))
      expect(code, `${line}: ${stderr}`).to.equal(2)
    }
    for (const name of ['both.lorplan', 'other.lorplan', 'lorchestra.duckdb'])
      expect(await exists(join(project.folder, name)), name).to.equal(false)
  })

  it('holds no option of the job', async () => {
    await project.write('lorchestra.yaml', YAML.replace('file: records.json}', `file: ${SECRET}.json}`))
    await project.writeRecords(RECORDS, `${SECRET}.json`)
    await plan()
    const {manifest, file} = await readPlan(join(project.folder, 'diary.lorplan'))
    await file.close()
    expect(manifest.job).to.equal('diary_entries')
    expect(file.manifest).not.to.include(SECRET)
  })
})
