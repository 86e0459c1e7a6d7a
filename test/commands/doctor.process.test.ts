import {createHash} from 'node:crypto'
import {mkdir, readdir, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {createMask} from '../../src/base/mask.ts'
import {ownProcess} from '../../src/base/process-identity.ts'
import {createSecretStore} from '../../src/sources/secrets/secret-store.ts'
import {secretsFolder} from '../../src/sources/secrets/secrets-folder.ts'
import {freePort} from '../support/bigquery/emulator.ts'
import {clinicAccount, clinicEnv} from '../support/clinic-yaml.ts'
import {dataFolder, homeOfTest, lorchestra, temporaryFolder} from '../support/cli.ts'
import {change} from '../support/database.ts'
import {contacts} from '../support/dataverse-rows.ts'
import {startDataverseServer} from '../support/dataverse-server.ts'
import {startEntraServer} from '../support/entra-server.ts'
import {startGmailServer, type GmailServer} from '../support/gmail-server.ts'
import {mailbox} from '../support/mailbox.ts'

const FILE_SYSTEM = new URL('../support/file-system-of-type.ts', import.meta.url).href

interface Finding {
  readonly check: string
  readonly subject: string
  readonly status: string
  readonly found: string
  readonly next?: string
}

describe('lorchestra doctor', () => {
  let gmail: GmailServer
  let folder = ''
  before(async () => {
    gmail = await startGmailServer(mailbox(3, {now: new Date()}))
  })
  after(async () => gmail.close())
  beforeEach(async () => {
    folder = await temporaryFolder()
    const jobs = 'jobs:\n  gmail_ingest_acct1:\n    account: acct1\n  lost:\n    source: carrier_pigeon\n'
    await writeFile(join(folder, 'lorchestra.yaml'), `accounts:\n${gmail.accountYaml}${jobs}`)
  })

  const run = async (line: string, env: Readonly<Record<string, string>> = gmail.env) =>
    lorchestra(line.split(' '), {cwd: folder, env})
  const findings = async (line: string, env?: Readonly<Record<string, string>>): Promise<readonly Finding[]> =>
    (JSON.parse((await run(`${line} --json`, env)).stdout) as {findings: readonly Finding[]}).findings
  const contents = async (): Promise<object> =>
    Object.fromEntries(
      await Promise.all(
        (await readdir(folder)).map(async (name) => [
          name,
          createHash('sha256')
            .update(await readFile(join(folder, name)))
            .digest('hex'),
        ]),
      ),
    ) as object

  it('finds a job that could run healthy, asks its account, and leaves no byte behind', async () => {
    await run('run gmail_ingest_acct1')
    const before = await contents()
    const {code, stdout} = await run('doctor gmail_ingest_acct1')
    expect(stdout).not.to.match(/^failed/m)
    expect(code).to.equal(0)
    expect(stdout).to.match(/^ok +account +acct1 +answers/m)
    expect(stdout).to.match(/^ok +keys +raw_objects +none has several rows$/m)
    expect(await contents()).to.deep.equal(before)
  })

  it('makes no database where there is none', async () => {
    const before = await readdir(folder)
    expect((await run('doctor gmail_ingest_acct1')).code).to.equal(0)
    expect(await readdir(folder)).to.deep.equal(before)
  })

  it('says what is wrong with each job and what to do, and exits with 1', async () => {
    const env = {...gmail.env, GMAIL_ACCT1_REFRESH_TOKEN: ''}
    expect((await run('doctor', env)).code).to.equal(1)
    const failed = (await findings('doctor', env)).filter(({status}) => status === 'failed')
    expect(failed.map(({check, subject}) => `${check} ${subject}`)).to.deep.equal([
      'job gmail_ingest_acct1',
      'job lost',
    ])
    expect(failed[0]?.found).to.include('GMAIL_ACCT1_REFRESH_TOKEN')
    expect(failed[1]?.next).to.include('lorchestra plugins install')
  })

  it('gives each problem of a job a line', async () => {
    const job = 'jobs:\n  gmail_ingest_acct1:\n    account: acct1\n    lables: [INBOX]\n    query: 7\n'
    await writeFile(join(folder, 'lorchestra.yaml'), `accounts:\n${gmail.accountYaml}${job}`)
    const lines = (await run('doctor gmail_ingest_acct1')).stdout.split('\n')
    const [one, other] = ['lables', 'query'].map((name) => lines.findIndex((line) => line.includes(name)))
    expect(one).to.be.above(0)
    expect(other).to.be.above(0).and.not.equal(one)
  })

  it('asks for what each job asks for, because only the service knows whether that is there', async () => {
    const entra = await startEntraServer(folder)
    const dataverse = await startDataverseServer({contacts: contacts(3, {now: new Date()})})
    try {
      const account = `accounts:\n${gmail.accountYaml}${clinicAccount({url: dataverse.url, entra})}`
      const options = {
        good: 'entity: contact, filter: statecode eq 0',
        plural: 'entity: contacts',
        filter: 'entity: contact, filter: statuscode foo 1',
        select: 'entity: contact, select: [emial]',
        untracked: 'entity: cre92_clientreport, track_changes: true',
        // One listener each would be too many.
        ...Object.fromEntries(Array.from({length: 9}, (_, index) => [`more_${index}`, 'entity: contact'])),
      }
      await dataverse.update('EntityDefinitions', "'cre92_clientreport'", {ChangeTrackingEnabled: false})
      const jobs = Object.entries(options).map(([name, text]) => `  ${name}: {account: clinic, ${text}}\n`)
      const labels = '  labels: {account: acct1, labels: [Nope]}\n'
      await writeFile(join(folder, 'lorchestra.yaml'), `${account}jobs:\n${jobs.join('')}${labels}`)
      const env = {...gmail.env, ...clinicEnv(entra)}
      const {stdout, stderr} = await run('doctor --json', env)
      expect(stderr, 'nothing complains').to.equal('')
      const all = (JSON.parse(stdout) as {findings: readonly Finding[]}).findings
      const found = all.filter(({check, subject}) => check === 'reading' && !subject.startsWith('more_'))
      expect(found.map(({subject, status}) => `${subject} ${status}`)).to.deep.equal([
        'good ok',
        'plural failed',
        'filter failed',
        'select failed',
        'untracked failed',
        'labels failed',
      ])
      const said = (subject: string) => found.find((finding) => finding.subject === subject)?.found
      expect(said('plural')).to.contain('there is no table contacts').and.to.contain('Did you mean contact?')
      expect(said('filter')).to.contain('Check select, filter and expand')
      expect(said('select')).to.contain('Check select, filter and expand')
      expect(said('labels')).to.contain('no label "Nope"')
    } finally {
      await dataverse.close()
      await entra.close()
    }
  })

  it('names the address that refuses, and how long it was asked', async () => {
    const port = await freePort()
    const yaml = gmail.accountYaml.replace(/api_url: .*/, `api_url: http://127.0.0.1:${port}`)
    await writeFile(join(folder, 'lorchestra.yaml'), `accounts:\n${yaml}jobs:\n  mail:\n    account: acct1\n`)
    const {stdout, stderr} = await run('doctor mail')
    expect(stdout).to.match(
      new RegExp(`^failed +account .*GET http://127.0.0.1:${port}/.*ECONNREFUSED.* \\d+ s in all`, 'm'),
    )
    expect(stderr).to.match(/ warn .*ECONNREFUSED.*; trying again/)
  })

  it('tells of refused credentials, and shows none of them', async () => {
    const env = {...gmail.env, GMAIL_ACCT1_REFRESH_TOKEN: 'a-token-of-yesterday'}
    const {code, stdout, stderr} = await run('doctor gmail_ingest_acct1', env)
    expect(code).to.equal(1)
    expect(stdout).to.match(/^failed +account +acct1 .*invalid_grant/m)
    expect(stdout + stderr).not.to.include('a-token-of-yesterday')
  })

  it('goes on without a configuration that cannot be read', async () => {
    await writeFile(join(folder, 'lorchestra.yaml'), 'jobs: [')
    const found = await findings('doctor')
    expect(found.at(-1)).to.include({check: 'configuration', status: 'failed'})
    expect(found.map(({check}) => check)).to.include.members(['node', 'disk', 'plugins'])
  })

  it('finds runs that died, keys with several rows and a clock that is behind', async () => {
    await run('run gmail_ingest_acct1')
    await change(
      join(folder, 'lorchestra.duckdb'),
      "DELETE FROM event_log WHERE event_type = 'job.completed'",
      'CREATE TABLE twice AS SELECT * FROM raw_objects UNION ALL SELECT * FROM raw_objects LIMIT 4',
      'DROP TABLE raw_objects',
      'ALTER TABLE twice RENAME TO raw_objects',
      ...['idem_key', 'source_system', 'object_type', 'payload', 'first_seen', 'last_seen'].map(
        (column) => `ALTER TABLE raw_objects ALTER ${column} SET NOT NULL`,
      ),
      `UPDATE event_log SET payload = json_merge_patch(payload, '{"window": {"until": "2999-01-01T00:00:00Z"}}')
       WHERE event_type = 'ingestion.completed'`,
    )
    const found = await findings('doctor gmail_ingest_acct1')
    const statusOf = (check: string) => found.find((finding) => finding.check === check)?.status
    expect(statusOf('run')).to.equal('warning')
    expect(statusOf('keys')).to.equal('failed')
    expect(found.find(({subject}) => subject === 'of past runs')?.status).to.equal('failed')
  })

  it('finds a table of records that somebody dropped, beside a log of production and of test runs', async () => {
    await run('run gmail_ingest_acct1')
    await run('run gmail_ingest_acct1 --test-table')
    await change(join(folder, 'lorchestra.duckdb'), 'DROP TABLE raw_objects', 'DROP TABLE test_raw_objects')
    const {code, stdout} = await run('doctor gmail_ingest_acct1')
    expect(code).to.equal(1)
    expect(stdout).to.match(/^failed +warehouse +DuckDB +there is no table raw_objects, and event_log tells of runs/m)
    expect(stdout).to.match(/^failed +test tables +test_raw_objects +there is no table test_raw_objects, and/m)
  })

  it('compares the clock of this machine with those of the services', async () => {
    const clock = async (milliseconds: number): Promise<Finding | undefined> => {
      const shift = `--import="data:text/javascript,const now = Date.now; Date.now = () => now() + ${milliseconds}"`
      const found = await findings('doctor gmail_ingest_acct1', {...gmail.env, NODE_OPTIONS: shift})
      return found.find(({check, subject}) => check === 'clock' && subject === 'of this machine')
    }
    expect(await clock(0)).to.include({status: 'ok'})
    expect(await clock(-150_000))
      .to.include({status: 'warning'})
      .and.to.have.property('next')
    expect((await clock(-150_000))?.found).to.match(/^2 min [23]\d s behind/)
    expect(await clock(3_600_000)).to.include({status: 'failed'})
  })

  it('warns of a sign-in that is stored on this machine where an engine runs jobs as tasks', async () => {
    const secrets = createSecretStore({
      folder: join(secretsFolder(dataFolder(await homeOfTest()), join(folder, 'lorchestra.yaml')), 'accounts'),
      account: 'acct1',
      mask: createMask(),
    })
    const warnings = async (env: Readonly<Record<string, string>>) =>
      (await findings('doctor gmail_ingest_acct1', {...gmail.env, ...env})).filter(({check}) => check === 'tasks')
    const tasks = {CLOUD_RUN_TASK_INDEX: '3', CLOUD_RUN_TASK_COUNT: '8'}
    expect(await warnings(tasks), 'nothing is stored yet').to.deep.equal([])
    await secrets.update('refresh_token', () => gmail.env['GMAIL_ACCT1_REFRESH_TOKEN'])
    expect(await warnings({}), 'nothing says that there are tasks').to.deep.equal([])
    for (const env of [tasks, {LORCHESTRA_CLAIM: 'temporal/a/b/c'}]) {
      const [warning] = await warnings(env)
      expect(warning).to.include({subject: 'acct1', status: 'warning'})
      expect(warning?.found).to.include('refresh_token of acct1 is stored in a file of this machine')
      expect(warning?.next).to.include('XDG_DATA_HOME')
    }
  })

  it('warns of what is stored for an account that lorchestra.yaml has no more, and how to remove it', async () => {
    const secretsOf = async (account: string) =>
      createSecretStore({
        folder: join(secretsFolder(dataFolder(await homeOfTest()), join(folder, 'lorchestra.yaml')), 'accounts'),
        account,
        mask: createMask(),
      })
    for (const account of ['acct1', 'renamed'])
      await (await secretsOf(account)).update('refresh_token', () => 'hush-hush')
    const orphans = async () => (await findings('doctor gmail_ingest_acct1')).filter(({check}) => check === 'secrets')
    const [orphan, ...others] = await orphans()
    expect(others).to.deep.equal([])
    expect(orphan).to.include({subject: 'renamed', status: 'warning'})
    const command = /`lorchestra (.*)`/.exec(orphan?.next ?? '')?.[1] ?? ''
    expect((await run(command)).code).to.equal(0)
    expect(await orphans()).to.deep.equal([])
  })

  it('tells of locks that killed processes have left, of those that nobody here can see, and of those in use', async () => {
    const data = dataFolder(await homeOfTest())
    const accounts = join(secretsFolder(data, join(folder, 'lorchestra.yaml')), 'accounts')
    await mkdir(accounts, {recursive: true})
    const own = {...(await ownProcess()), lock: 'a'}
    const locks = {
      [join(folder, 'lorchestra.yaml.lock')]: {...own, pid: 2 ** 30},
      [join(accounts, 'acct2.json.lock')]: {...own, host: 'container-17'},
      [join(folder, 'lorchestra.duckdb.mending')]: own,
    }
    for (const [path, holder] of Object.entries(locks)) await writeFile(path, JSON.stringify(holder))
    const before = await contents()
    const found = (await findings('doctor gmail_ingest_acct1')).filter(({check}) => check === 'lock')
    expect(found.map(({subject, status}) => [subject, status])).to.deep.equal([
      ['lorchestra.yaml', 'warning'],
      ['secrets of acct2', 'warning'],
      ['DuckDB', 'ok'],
    ])
    const [dead, unseen, alive] = found
    expect(dead?.found).to.include(`left by process ${2 ** 30}`)
    expect(dead?.next).to.include('takes it over')
    expect(unseen?.found).to.include('on container-17, which cannot be seen from here')
    expect(unseen?.next).to.include('five minutes').and.include(join(accounts, 'acct2.json.lock'))
    expect(alive?.found).to.include(`process ${process.pid}`)
    expect(await contents()).to.deep.equal(before)
    for (const path of Object.keys(locks)) await rm(path)
  })

  it('warns of a database that other machines may write, and of secrets that no mode hides', async () => {
    const asOn = async (type: number) =>
      (
        await findings('doctor gmail_ingest_acct1', {
          ...gmail.env,
          NODE_OPTIONS: `--import ${FILE_SYSTEM}`,
          FILE_SYSTEM: String(type),
        })
      ).filter(({check}) => check === 'file system')
    const [nfs, ...others] = await asOn(0x6969)
    expect(others).to.deep.equal([])
    expect(nfs).to.include({subject: 'DuckDB', status: 'warning', found: `the file lies on NFS (${folder})`})
    expect(nfs?.next).to.include('one machine alone')
    const exFAT = await asOn(0x2011bab0)
    expect(exFAT.map(({subject, status}) => [subject, status])).to.deep.equal([['secrets', 'warning']])
    expect(exFAT[0]?.found).to.include('secrets lie on exFAT')
    expect(await asOn(0xef53)).to.deep.equal([])
  })

  it('goes on where the path of the database is a link that leads nowhere', async () => {
    await symlink('lorchestra.duckdb', join(folder, 'lorchestra.duckdb'))
    const found = await findings('doctor gmail_ingest_acct1')
    expect(found.find(({check}) => check === 'warehouse')?.status).to.equal('failed')
    expect(found.find(({check}) => check === 'lock')?.found).to.include('is a link that leads nowhere')
  })

  it('tells of a place where no DuckDB file can be', async () => {
    const jobs = 'jobs:\n  gmail_ingest_acct1:\n    account: acct1\n'
    const warehouse = 'warehouse: {type: duckdb, path: lorchestra.yaml/warehouse.duckdb}\n'
    await writeFile(join(folder, 'lorchestra.yaml'), `${warehouse}accounts:\n${gmail.accountYaml}${jobs}`)
    const found = await findings('doctor gmail_ingest_acct1')
    expect(found.find(({check}) => check === 'warehouse')?.status).to.equal('failed')
  })
})
