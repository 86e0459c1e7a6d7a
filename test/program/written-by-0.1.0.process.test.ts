import {readFile} from 'node:fs/promises'

import {expect} from 'chai'

import type {CliResult} from '../support/cli.ts'
import {query} from '../support/database.ts'
import {projectWrittenBy010, type OldProject} from '../support/written-by-0.1.0.ts'

interface ListedRun {
  readonly run_id: string
  readonly job: string
  readonly mode: string
  readonly outcome: string
  readonly counts: Readonly<Record<string, number>>
}

const keysOf = async ({database}: OldProject) =>
  (await query(database, 'SELECT idem_key FROM raw_objects ORDER BY 1')).map((row) => row['idem_key'])

async function expectToSay(done: Promise<CliResult>, code: number, ...texts: readonly string[]): Promise<void> {
  const result = await done
  const said = result.stdout + result.stderr
  expect(result.code, said).to.equal(code)
  for (const text of texts) expect(said).to.contain(text)
}

async function runsOf(project: OldProject): Promise<readonly ListedRun[]> {
  const {stdout} = await project.run('runs', 'list', '--json')
  return (JSON.parse(stdout) as {runs: readonly ListedRun[]}).runs
}

const newestOf = async (project: OldProject, job: string): Promise<string> =>
  (await runsOf(project)).find((run) => run.job === job)?.run_id ?? ''

describe('what 0.1.0 wrote', () => {
  let project: OldProject
  beforeEach(async () => {
    project = await projectWrittenBy010()
  })

  it('lists its runs with what they did, and shows each of them', async () => {
    const runs = await runsOf(project)
    expect(runs.map(({job, mode, outcome}) => `${job} ${mode} ${outcome}`)).to.deep.equal([
      'letters test-table done',
      'drafts production unknown',
      'drafts production failed',
      'drafts production done',
      'drafts production done',
      'notes production done',
      'notes production done',
      'notes test-table done',
    ])
    expect(runs[5]?.counts).to.include({extracted: 2, inserted: 1, updated: 1, deleted: 1, rejected: 0})
    for (const run of runs) await expectToSay(project.run('runs', 'show', run.run_id), 0, run.run_id, run.outcome)
    await expectToSay(project.run('runs', 'list'), 0, 'Gap: drafts has not read drafts/note from 2024-03-01')
  })

  it('shows what is stored and covered', async () => {
    await expectToSay(
      project.run('warehouse', 'show'),
      0,
      '2024-01-15T00:00:00.000Z to 2024-03-01T00:00:00.000Z; 2024-06-01T00:00:00.000Z to 2024-07-01T00:00:00.000Z',
      'notebook--ada/label',
    )
    await expectToSay(project.run('show', 'note:notebook--ada:n2'), 0, 'second, changed', 'notes-2024')
  })

  it('reads nothing again, and goes on from its bookmark and its windows', async () => {
    await expectToSay(project.run('run', 'notes', '--dry-run', '--diff'), 0, 'would insert 0, update 0')
    await expectToSay(project.run('run', 'notes'), 0, '✓ notes: 0 extracted, 0 inserted, 0 updated')
    await expectToSay(
      project.run('run', 'drafts'),
      0,
      'everything before 2024-01-15T00:00:00.000Z; 2024-02-29',
      '✓ drafts: 0 extracted',
    )
  })

  it('takes over the streams of a run that was killed, and says so in the log', async () => {
    await project.run('run', 'drafts')
    const [dead] = (await runsOf(project)).filter(({outcome}) => outcome === 'failed')
    const shown = await project.run('runs', 'show', dead?.run_id ?? '')
    expect(shown.stdout).to.contain('its stream was taken over')
  })

  it('finds its rows unchanged when all is read again', async () => {
    await expectToSay(
      project.run('run', 'notes', '--dry-run', '--full', '--diff'),
      3,
      'would insert 0, update 0, leave 4 unchanged; 0 duplicates, 1 rejected',
    )
    await expectToSay(project.run('replay', 'notes'), 0, '5 same, 0 other key')
  })

  it('lists what it rejected by run and by job, and says how that is read again', async () => {
    await expectToSay(project.run('rejects', 'list', 'notes'), 0, 'open', 'idemKey failed: it has no id')
    const run = (await runsOf(project)).findLast(({job, mode}) => job === 'notes' && mode === 'production')
    await expectToSay(project.run('rejects', 'list', run?.run_id ?? ''), 0, 'open', 'it has no id')
    await expectToSay(project.run('rejects', 'retry', 'notes'), 2, 'E_REJECTS_STALE', '--full reads everything again')
  })

  it('refuses to take back what changed rows, as nothing kept what they held', async () => {
    const before = await keysOf(project)
    await expectToSay(project.run('runs', 'undo', await newestOf(project, 'notes')), 1, 'E_UNDO_REFUSED')
    expect(await keysOf(project)).to.deep.equal(before)
  })

  it('takes back runs that only inserted', async () => {
    const runs = (await runsOf(project)).filter(({job, outcome}) => job === 'drafts' && outcome === 'done')
    await expectToSay(
      project.run('runs', 'undo', runs.at(-1)?.run_id ?? '', '--through'),
      0,
      '✓ undone 2 runs of drafts/note: 1 row removed',
    )
    expect(await keysOf(project)).not.to.contain('note:drafts:n1')
  })

  it('compares its test runs with production, promotes them, and refuses where production moved on', async () => {
    await expectToSay(project.run('test', 'compare', 'letters'), 0, '1 new')
    await expectToSay(project.run('test', 'promote', 'letters'), 0, '✓ letters: 1 inserted')
    expect(await keysOf(project)).to.contain('note:letters:n1')
    await expectToSay(project.run('test', 'promote', 'notes'), 1, 'E_PROMOTION_REFUSED')
    await expectToSay(project.run('run', 'notes', '--test-table'), 0, '[TEST] notes: 2 extracted')
  })

  it('needs no columns added to its tables', async () => {
    await expectToSay(project.run('warehouse', 'create', '--add-columns'), 0, 'event_log: already there')
  })

  it('keeps its lorchestra.yaml and its stored secrets', async () => {
    const secrets = await readFile(project.secrets, 'utf8')
    await expectToSay(project.run('jobs', 'list'), 0, 'notes', 'drafts', 'letters')
    await expectToSay(project.run('jobs', 'show', 'notes'), 0, '2024-01-01T00:00:00.000Z', '90d')
    await expectToSay(project.run('accounts', 'list'), 0, 'token')
    await project.run('run', 'notes')
    expect(await readFile(project.secrets, 'utf8')).to.equal(secrets)
  })
})
