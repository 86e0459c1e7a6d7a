import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {change} from '../support/database.ts'
import {createProject, homeWith, writeExternalSource, type Project} from '../support/external-source.ts'
import {
  expectToMatchSchema,
  expectToMatchSnapshot,
  schemaOf,
  schemaPath,
  validatorOf,
} from '../support/json-snapshot.ts'
import {PACKAGE} from '../support/package-copy.ts'
import {hookOf} from '../support/plugins.ts'

const SAVE = `require('fs').appendFileSync('told.ndjson', require('fs').readFileSync(0) + '\\n')`
const YAML = `
accounts:
  acct1: {source: notes, token: "\${NOTES_TOKEN}"}
jobs:
  diary_entries: {source: diary, file: records.json}
  diary_broken: {source: diary, file: broken.json}
  diary_refused: {source: diary, file: "\${DIARY_FILE}"}
  notes_acct1: {account: acct1, query: a folder, start: 2024-01-01, overlap: 36h}
  lost: {source: carrier_pigeon}
notifications:
  command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(SAVE)}]
`
const NOTES = hookOf('notes', {
  source: `secrets: ['token'], selection: ['query'], defaults: {slice: '30d', overlap: '1d'},
  async login({secrets}) { await secrets.update('token', async () => 'a token') },`,
})

/** The documents of `--json`, as the real commands print them. RENEW_SNAPSHOTS=1 renews what they are compared with. */
describe('the documents of --json', () => {
  let home = ''
  let project: Project
  let folders: Readonly<Record<string, string>> = {}
  let produced: CliResult
  let failed: CliResult
  let runId = ''

  before(async () => {
    home = await homeWith({name: 'diary'}, {name: 'notes', files: {'hook.js': NOTES}})
    project = await createProject({home, yaml: YAML})
    folders = {'/home/me': home, '/home/me/ingestion': project.folder, '/opt/lorchestra': PACKAGE}
    const good = {at: '2024-03-01T12:00:00.000Z', id: 'a', text: 'one'}
    await project.writeRecords([good, {at: '2024-03-01T13:00:00.000Z', text: 'it has no id'}])
    await project.writeRecords([{at: '2024-03-01T12:00:00.000Z', fail: 'the ink is dry'}], 'broken.json')
    await printed('accounts login acct1 --no-browser')
    produced = await project.run(['run', 'diary_entries', '--json'])
    failed = await project.run(['run', 'diary_broken', 'diary_refused', '--json'])
    runId = (JSON.parse(produced.stdout) as {runs: [{run_id: string}]}).runs[0].run_id
  })

  async function expectDocument(
    {code, stdout, stderr}: CliResult,
    {name, schema = name, exit = 0}: {name: string; schema?: string; exit?: number},
  ): Promise<void> {
    expect(code, stderr).to.equal(exit)
    const document: unknown = JSON.parse(stdout)
    expect(Object.keys(document as object)[0]).to.equal('schema')
    await expectToMatchSchema(document, schema)
    await expectToMatchSnapshot(document, name, folders)
  }

  const printed = async (line: string, where = project.folder): Promise<CliResult> =>
    lorchestra([...line.split(' '), '--json'], {cwd: where, home})

  it('run: a run with a reject', async () => {
    await expectDocument(produced, {name: 'run', exit: 3})
  })

  it('run: a run that failed and a job that could not begin', async () => {
    await expectDocument(failed, {name: 'run-with-errors', schema: 'run', exit: 1})
  })

  it('run: a dry run, with samples and without what only a write would tell', async () => {
    const dry = await printed('run diary_entries --dry-run --since 2024-01-01 --until 2024-04-01')
    await expectDocument(dry, {name: 'run-dry-run', schema: 'run', exit: 3})
  })

  it('run: a run that is refused as a whole', async () => {
    await expectDocument(await printed('run diary_nothing'), {name: 'run-refused', schema: 'run', exit: 2})
  })

  it('the notifications of those runs', async () => {
    const lines = (await readFile(join(project.folder, 'told.ndjson'), 'utf8')).trimEnd().split('\n')
    const told = lines.map((line) => JSON.parse(line) as {event: string; run: {job: string}})
    expect(told.map(({event, run}) => `${event} ${run.job}`)).to.deep.equal([
      'run.degraded diary_entries',
      'run.failed diary_broken',
      'run.failed diary_refused',
    ])
    for (const [document, name, schema] of [
      [told[0], 'run-degraded', 'run-degraded'],
      [told[1], 'run-failed', 'run-failed'],
      [told[2], 'run-failed-refused', 'run-failed'],
    ] as const) {
      await expectToMatchSchema(document, schema)
      await expectToMatchSnapshot(document, name, folders)
    }
  })

  it('plan show and apply: what a dry run keeps, and would still do', async () => {
    const line = 'run diary_entries --dry-run --diff --refetch --full --out diary.lorplan'
    await expectDocument(await printed(line), {name: 'run-plan', schema: 'run', exit: 3})
    await expectDocument(await printed('plan show diary.lorplan'), {name: 'plan-show'})
    await expectDocument(await printed('apply diary.lorplan --dry-run'), {name: 'apply'})
  })

  it('test list, test compare, test promote, test drop, test seed, a run with --diff', async () => {
    const window = '--since 2024-01-01 --until 2024-04-01'
    const diff = await printed(`run diary_entries --dry-run --diff ${window}`)
    await expectDocument(diff, {name: 'run-diff', schema: 'run', exit: 3})
    await printed(`run diary_entries --test-table ${window}`)
    await expectDocument(await printed('test list'), {name: 'test-list'})
    await expectDocument(await printed('test compare diary_entries'), {name: 'test-compare'})
    await expectDocument(await printed('test promote diary_entries'), {name: 'test-promote'})
    await expectDocument(await printed('test drop'), {name: 'test-drop'})
    await expectDocument(await printed('test seed diary_entries'), {name: 'test-seed'})
    await printed('test drop')
  })

  for (const [line, exit] of [
    ['runs list', 0],
    ['accounts login acct1 --no-browser', 0],
    ['accounts list', 0],
    ['accounts show acct1', 0],
    ['jobs explore diary_entries', 0],
    ['jobs list', 0],
    ['autocomplete fish', 0],
    ['jobs show notes_acct1', 0],
    ['report', 0],
    ['sources list', 0],
    ['sources show dataverse', 0],
    ['warehouse create', 0],
    ['warehouse show', 0],
    ['show entry:diary:a', 0],
    ['schema show diary_entries', 0],
    ['views print diary_entries', 0],
    ['views check diary_entries', 0],
    ['schema diff diary_entries', 0],
    ['doctor', 1],
  ] as const) {
    it(line, async () => {
      const name = line.replace(/ (acct1|notes_acct1|entry:|diary_entries|dataverse).*/, '').replaceAll(' ', '-')
      await expectDocument(await printed(line), {name, exit})
    })
  }

  it('query', async () => {
    const sql = 'SELECT idem_key, payload, last_seen, 12345678901234567890 AS wide FROM raw_objects'
    const result = await lorchestra(['query', sql, '--json'], {cwd: project.folder, home})
    await expectDocument(result, {name: 'query'})
  })

  it('views create', async () => {
    await expectDocument(await printed('views create diary_entries --name entries'), {name: 'views-create'})
  })

  it('schema accept', async () => {
    await expectDocument(await printed('schema accept diary_entries'), {name: 'schema-accept'})
  })

  for (const command of ['runs show', 'runs log', 'rejects list']) {
    it(command, async () => {
      await expectDocument(await printed(`${command} ${runId}`), {name: command.replace(' ', '-')})
    })
  }

  it('verify: a source that gives the same each time, and has a record that cannot be stored', async () => {
    await expectDocument(await printed('verify diary_entries --since 2024-01-01'), {name: 'verify'})
  })

  it('runs undo', async () => {
    await expectDocument(await printed(`runs undo ${runId} --through --dry-run`), {name: 'runs-undo'})
  })

  it('warehouse dedupe: rows that another tool wrote twice', async () => {
    const found = join(project.folder, 'lorchestra.duckdb')
    await change(
      found,
      'CREATE TABLE twice AS SELECT * FROM raw_objects UNION ALL SELECT * FROM raw_objects',
      'ALTER TABLE raw_objects RENAME TO once',
      'ALTER TABLE twice RENAME TO raw_objects',
      ...['idem_key', 'source_system', 'object_type', 'payload', 'first_seen', 'last_seen'].map(
        (column) => `ALTER TABLE raw_objects ALTER ${column} SET NOT NULL`,
      ),
    )
    await expectDocument(await printed('warehouse dedupe'), {name: 'warehouse-dedupe'})
    await change(found, 'DROP TABLE raw_objects', 'ALTER TABLE once RENAME TO raw_objects')
  })

  it('rejects retry', async () => {
    await expectDocument(await printed('rejects retry diary_entries'), {name: 'rejects-retry', exit: 0})
  })

  it('reconcile: a record that was added since', async () => {
    await project.writeRecords([
      {at: '2024-03-01T12:00:00.000Z', id: 'a', text: 'one'},
      {at: '2024-03-01T12:00:00.000Z', id: 'b', text: 'two'},
    ])
    const document = await project.run(['reconcile', 'diary_entries', '--exit-code', '--json'])
    await expectDocument(document, {name: 'reconcile', exit: 5})
  })

  it('reconcile --write: a record that is gone', async () => {
    await project.writeRecords([{at: '2024-03-01T12:00:00.000Z', id: 'b', text: 'two'}])
    const document = await project.run(['reconcile', 'diary_entries', '--write', '--max-deleted', '100%', '--json'])
    await expectDocument(document, {name: 'reconcile-write', schema: 'reconcile', exit: 0})
  })

  it('replay: keys that are the same', async () => {
    await expectDocument(await printed('replay diary_entries'), {name: 'replay'})
  })

  it('init, accounts add, jobs add and sources create', async () => {
    const empty = await temporaryFolder()
    folders = {...folders, '/home/me/new': empty}
    await expectDocument(await printed('init', empty), {name: 'init'})
    await expectDocument(await printed('accounts add work --source gmail', empty), {name: 'accounts-add'})
    const line = 'jobs add clients --account work --option query=label:clients'
    await expectDocument(await printed(line, empty), {name: 'jobs-add'})
    await expectDocument(await printed('sources create pigeon', empty), {name: 'sources-create'})
  })

  it('complete: the jobs of lorchestra.yaml', async () => {
    const words = ['complete', '--json', '--', 'jobs', 'show', 'd']
    await expectDocument(await lorchestra(words, {cwd: project.folder, home}), {name: 'complete'})
  })

  it('accounts logout', async () => {
    await expectDocument(await printed('accounts logout acct1'), {name: 'accounts-logout'})
  })

  it('plugins install and plugins update', async () => {
    const plugin = await writeExternalSource({name: 'field'})
    await expectDocument(await printed(`plugins install ${plugin}`), {name: 'plugins-install'})
    await expectDocument(await printed('plugins update'), {name: 'plugins-update'})
  })

  for (const [name, line] of [
    ['error', 'jobs show diary_entires'],
    ['error-unknown-command', 'rnu diary_entries'],
    ['error-unknown-command-help', 'rnu --help'],
    ['error-unknown-flag', 'runs list --unlimited'],
    ['error-exclusive-flags', 'run diary_entries --dry-run --test-table'],
    ['error-of-a-plugin', 'plugins link --nowhere'],
  ] as const) {
    it(`an error: ${line}`, async () => {
      await expectDocument(await printed(line), {
        name,
        schema: line.startsWith('run ') ? 'run' : 'error',
        exit: 2,
      })
    })
  }

  for (const [name, line, ...same] of [
    ['help', 'runs --help', 'runs', 'help runs'],
    ['help-command', 'run --help', 'help run'],
    ['help-program', '--help', 'help', ''],
  ] as const) {
    it(`help: ${[line, ...same].join(', ')}`, async () => {
      for (const words of [line, ...same]) {
        const result = await lorchestra([...words.split(' ').filter(Boolean), '--json'], {cwd: project.folder, home})
        await expectDocument(result, {name, schema: 'help'})
      }
    })
  }
})

describe('the schemas of docs/json', () => {
  const SNAKE_CASE = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/

  interface Member {
    readonly name: string
    readonly schema: Readonly<Record<string, unknown>>
  }

  function* membersOf(schema: unknown): Generator<Member> {
    if (typeof schema !== 'object' || schema === null) return
    for (const [key, value] of Object.entries(schema) as [string, Readonly<Record<string, Member['schema']>>][]) {
      if (key === 'properties') for (const [name, member] of Object.entries(value)) yield {name, schema: member}
      yield* membersOf(value)
    }
  }

  it('are there for every command, and name all members in snake case with a description', async () => {
    const {commands} = JSON.parse(await readFile(join(PACKAGE, 'oclif.manifest.json'), 'utf8')) as {commands: object}
    const names = Object.keys(commands).map((id) => id.replaceAll(':', '-'))
    const files = (await readdir(join(schemaPath(''), '..'))).filter((file) => file.endsWith('.schema.json'))
    expect(files).to.include.members(names.map((name) => `${name}.schema.json`))
    for (const file of files) {
      const members = [...membersOf(await schemaOf(file.replace('.schema.json', '')))]
      expect(members[0], file).to.include({name: 'schema'})
      expect(members.filter(({name}) => !SNAKE_CASE.test(name)).map(({name}) => name)).to.deep.equal([])
      const silent = members.filter(({schema}) => schema['description'] === undefined && schema['$ref'] === undefined)
      expect(
        silent.map(({name}) => name),
        file,
      ).to.deep.equal([])
    }
  })

  it('refuse a member that they do not know, one that is missing, and another type', async () => {
    const validate = await validatorOf('complete')
    expect(validate({schema: 1, words: ['one']})).to.equal(true)
    for (const wrong of [
      {schema: 1, words: ['one'], more: 1},
      {schema: 1},
      {schema: 2, words: []},
      {schema: 1, words: [1]},
    ])
      expect(validate(wrong), JSON.stringify(wrong)).to.equal(false)
  })
})
