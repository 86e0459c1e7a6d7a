import {chmod, lstat, readdir, readFile, rename, stat, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import {parse} from 'yaml'

import {dataFolder, homeOfTest, lorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {hookOf, installPlugin} from '../support/plugins.ts'

const YAML = `# mine
accounts: # whose
  home:
    source: gmail # the source
    client_id:   \${ID}
    client_secret: \${SECRET}

# what to read
jobs:
  mail: {account: home}
`
const ENV = {ID: 'id.apps.example.com', SECRET: 'a client secret'}

const withLogin = hookOf('notes', {
  source: `secrets: ['token'],
  async needsLogin({secrets}) { return await secrets.get('token') === undefined },
  async login({secrets}) { await secrets.update('token', async () => 'a token that is kept') },`,
})

let folder = ''
const run = async (...args: readonly string[]): Promise<CliResult> => lorchestra(args, {cwd: folder, env: ENV})
const file = async (): Promise<string> => readFile(join(folder, 'lorchestra.yaml'), 'utf8')
const written = async (): Promise<Readonly<Record<'accounts' | 'jobs', Readonly<Record<string, unknown>>>>> =>
  parse(await file()) as never

async function done(...args: readonly string[]): Promise<string> {
  const {code, stdout, stderr} = await run(...args)
  expect(code, `${args.join(' ')}: ${stderr}`).to.equal(0)
  return stdout
}

/** Nothing is written, and the error says why and what to do. */
async function refused(args: readonly string[], ...said: readonly string[]): Promise<void> {
  const before = await file()
  const {code, stderr} = await run(...args)
  expect(code, stderr).to.equal(2)
  for (const words of [...said, '\n  → ']) expect(stderr).to.include(words)
  expect(await file()).to.equal(before)
  expect(await readdir(folder)).to.deep.equal(['lorchestra.yaml'])
}

beforeEach(async () => {
  folder = await temporaryFolder()
  await writeFile(join(folder, 'lorchestra.yaml'), YAML)
})

describe('lorchestra accounts add', () => {
  it('writes what is given, and as variables what is missing; every other line stays', async () => {
    const said = await done('accounts', 'add', 'work', '--source', 'gmail', '--option', 'units_per_minute=900')
    const added = `  work:
    source: gmail
    units_per_minute: 900
    client_id: \${GMAIL_WORK_CLIENT_ID}
    client_secret: \${GMAIL_WORK_CLIENT_SECRET}
`
    expect(await file()).to.equal(YAML.replace('\n\n# what', `\n${added}\n# what`))
    expect(said).to.include('Put GMAIL_WORK_CLIENT_ID, GMAIL_WORK_CLIENT_SECRET into .env')
    expect(said).to.include('lorchestra accounts login work').and.to.include('lorchestra jobs add NAME --account work')
    expect(await done('accounts', 'list')).to.match(/^work +gmail /m)
  })

  it('takes text as text and other values as YAML says, also within another option', async () => {
    await done(
      'accounts',
      'add',
      'hub',
      '--source',
      'rest',
      '--option',
      'preset=github',
      '--option',
      'values.owner=1e3',
      '--option',
      'auth={type: bearer, token: "${TOKEN}"}',
      '--option',
      'headers={X-One: "1"}',
    )
    expect((await written()).accounts['hub']).to.deep.equal({
      source: 'rest',
      preset: 'github',
      values: {owner: 1000},
      auth: {type: 'bearer', token: '${TOKEN}'},
      headers: {'X-One': '1'},
    })
    const said = await done(
      'accounts',
      'add',
      'box',
      '--source',
      'gmail',
      '--option',
      'query=007',
      '--option',
      'client_id=12',
    )
    expect(said).to.include('accounts login box')
    expect((await written()).accounts['box']).to.include({query: '007', client_id: '12'})
  })

  it('does not suggest to sign in where the options are enough', async () => {
    const said = await done('accounts', 'add', 'api', '--source', 'rest')
    expect(said).to.include('Put REST_API_TOKEN into').and.not.to.include('accounts login')
  })

  it('writes nothing where the name is taken, or the source or an option is none', async () => {
    await refused(['accounts', 'add', 'home', '--source', 'rest'], '[E_NAME_TAKEN]', 'an account "home" already')
    await refused(['accounts', 'add', 'Work', '--source', 'rest'], '[E_NAME_INVALID]')
    await refused(['accounts', 'add', 'work', '--source', 'gmial'], '[E_SOURCE_UNKNOWN]')
    const gmail = ['accounts', 'add', 'work', '--source', 'gmail', '--option']
    await refused([...gmail, 'qurey=x'], 'gmail has no option "qurey"', '"query"')
    await refused([...gmail, 'query'], 'is not key=value')
    await refused([...gmail, 'concurrency=99'], 'gmail refuses the options: concurrency')
    await refused([...gmail, 'overlap=1d'], 'overlap is no option of gmail')
    await refused([...gmail, 'client_secret=hush'], 'client_secret is a secret', '${GMAIL_WORK_CLIENT_SECRET}')
  })

  it('leaves links, rights and files alone that it did not make', async () => {
    await rename(join(folder, 'lorchestra.yaml'), join(folder, 'real.yaml'))
    await chmod(join(folder, 'real.yaml'), 0o600)
    await symlink('real.yaml', join(folder, 'lorchestra.yaml'))
    await done('accounts', 'add', 'work', '--source', 'gmail')
    expect((await lstat(join(folder, 'lorchestra.yaml'))).isSymbolicLink()).to.equal(true)
    expect((await stat(join(folder, 'real.yaml'))).mode & 0o777).to.equal(0o600)
    expect((await readdir(folder)).toSorted()).to.deep.equal(['lorchestra.yaml', 'real.yaml'])
  })

  it('loses nothing where several are added at once', async () => {
    const names = ['one', 'two', 'three', 'four']
    await Promise.all(names.map(async (name) => done('accounts', 'add', name, '--source', 'files')))
    expect(Object.keys((await written()).accounts)).to.have.members(['home', ...names])
  })
})

describe('lorchestra jobs add', () => {
  it('writes a job that can be shown, and says how to try it', async () => {
    const said = await done(
      'jobs',
      'add',
      'clients',
      '--account',
      'home',
      '--option',
      'query=label:clients',
      '--option',
      'start=2024-01-01',
    )
    expect(await file()).to.equal(
      `${YAML}  clients:\n    account: home\n    query: label:clients\n    start: 2024-01-01\n`,
    )
    expect(said).to.include('lorchestra doctor clients').and.to.include('lorchestra run clients --dry-run --since -7d')
    const shown = await done('jobs', 'show', 'clients')
    expect(shown)
      .to.match(/^start +2024-01-01T00:00:00.000Z/m)
      .and.to.match(/^option query +label:clients/m)
  })

  it('names streams where the source has several', async () => {
    await done(
      'accounts',
      'add',
      'hub',
      '--source',
      'rest',
      '--option',
      'preset=github',
      '--option',
      'values={owner: ada, repo: notes}',
    )
    await done('jobs', 'add', 'issues', '--account', 'hub', '--stream', 'issue', '--stream', 'commit')
    expect((await written()).jobs['issues']).to.deep.equal({account: 'hub', streams: ['issue', 'commit']})
    await refused(['jobs', 'add', 'other', '--account', 'hub', '--stream', 'isue'], 'isue')
    await refused(['jobs', 'add', 'other', '--account', 'home', '--stream', 'email'], 'Leave --stream out')
  })

  it('reads a source that needs no account', async () => {
    await done(
      'jobs',
      'add',
      'orders',
      '--source',
      'files',
      '--option',
      'path=orders/*.csv',
      '--option',
      'key=[shop, id]',
    )
    expect((await written()).jobs['orders']).to.deep.equal({source: 'files', path: 'orders/*.csv', key: ['shop', 'id']})
  })

  it('writes nothing where something is missing, taken or unknown', async () => {
    await refused(['jobs', 'add', 'mail', '--account', 'home'], '[E_NAME_TAKEN]', 'a job "mail" already')
    await refused(['jobs', 'add', 'other'], '--account ACCOUNT')
    await refused(['jobs', 'add', 'other', '--account', 'hoem'], '[E_ACCOUNT_UNKNOWN]', '"home"')
    await refused(
      ['jobs', 'add', 'other', '--source', 'dataverse'],
      'needs url, tenant_id, client_id, entity',
      '--option entity=contact',
    )
    await refused(
      ['jobs', 'add', 'other', '--account', 'home', '--option', 'start=yesterday'],
      'lorchestra.yaml:13:5',
      'start',
    )
  })

  for (const source of ['dataverse', 'files', 'gmail', 'notes', 'rest'])
    it(`init writes a job of ${source} that can be shown and listed`, async () => {
      await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook: withLogin})
      const empty = await temporaryFolder()
      const made = await lorchestra(['init', '--source', source], {cwd: empty})
      expect(made.code, made.stderr).to.equal(0)
      const {code, stderr} = await lorchestra(['jobs', 'show', `${source}_ingest_acct1`], {cwd: empty})
      expect(code, stderr).to.equal(0)
      expect((await lorchestra(['accounts', 'show', 'acct1'], {cwd: empty})).code).to.equal(0)
    })
})

describe('lorchestra accounts show and logout', () => {
  beforeEach(async () => {
    await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook: withLogin})
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      'accounts:\n  diary: {source: notes, token: "${SECRET}", room: 7}\njobs:\n  pages: {account: diary}\n',
    )
  })

  const secretFiles = async (): Promise<readonly string[]> =>
    (await readdir(join(dataFolder(await homeOfTest()), 'secrets'), {recursive: true})).filter((path) =>
      path.endsWith('.json'),
    )

  it('shows options without their secrets, the jobs, and whether somebody signed in', async () => {
    const before = await done('accounts', 'show', 'diary')
    expect(before)
      .to.match(/^option room +7$/m)
      .and.to.match(/^jobs +pages$/m)
    expect(before)
      .to.match(/^option token +\*\*\*$/m)
      .and.not.to.include(ENV.SECRET)
    expect(before)
      .to.match(/^signed in +no$/m)
      .and.to.include('lorchestra accounts login diary')
    await done('accounts', 'login', 'diary', '--no-browser')
    const after = await done('accounts', 'show', 'diary')
    expect(after)
      .to.match(/^signed in +yes/m)
      .and.to.match(/^stored secrets +token$/m)
    expect(after).not.to.include('a token that is kept')
  })

  it('removes what was stored, and the account is not signed in any more', async () => {
    await done('accounts', 'login', 'diary', '--no-browser')
    expect(await secretFiles()).to.have.lengthOf(1)
    expect(await done('accounts', 'logout', 'diary')).to.include('removed token')
    expect(await secretFiles()).to.deep.equal([])
    const {code, stderr} = await run('run', 'pages', '--dry-run', '--since', '-7d')
    expect([code, stderr.includes('[E_NOT_SIGNED_IN]')]).to.deep.equal([2, true])
    expect(await done('accounts', 'logout', 'diary')).to.include('Nothing is stored for diary')
  })

  it('removes what is left of an account that lorchestra.yaml has no more', async () => {
    await done('accounts', 'login', 'diary', '--no-browser')
    await writeFile(join(folder, 'lorchestra.yaml'), 'jobs: {}\n')
    expect(await done('accounts', 'logout', 'diary')).to.include('removed token')
    const {code, stderr} = await run('accounts', 'logout', 'diary')
    expect([code, stderr.includes('[E_ACCOUNT_UNKNOWN]')]).to.deep.equal([2, true])
  })
})

describe('what accounts add and jobs add ask a source', () => {
  it('is once what it says of the options, where nothing is missed', async () => {
    const told = `options: {'~standard': {version: 1, vendor: 'test', validate(value) {
      console.log('was asked')
      return typeof value.path === 'string' ? {value} : {issues: [{message: 'expected a path', path: ['path']}]}
    }}},`
    await installPlugin(await homeOfTest(), {name: 'notes', hook: hookOf('notes', {source: told})})
    const asked = async (...args: readonly string[]): Promise<number> => {
      const {code, stderr} = await run(...args)
      expect(code, stderr).to.equal(0)
      return stderr.split('was asked').length - 1
    }
    expect(await asked('accounts', 'add', 'diary', '--source', 'notes', '--option', 'path=a.txt')).to.equal(1)
    expect(await asked('jobs', 'add', 'daily', '--account', 'diary')).to.equal(1)
    expect(await asked('jobs', 'add', 'other', '--source', 'notes', '--option', 'path=b.txt')).to.equal(1)
    // What is filled in is looked at, too.
    expect(await asked('accounts', 'add', 'blank', '--source', 'notes')).to.equal(2)
  })
})
