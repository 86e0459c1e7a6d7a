import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile} from 'node:fs/promises'
import {connect} from 'node:net'
import {join} from 'node:path'

import {expect} from 'chai'

import {dataFolder, homeOfTest, lorchestra, startLorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {exists, untilStderrHas} from '../support/external-source.ts'
import {startGmailServer, type GmailServer} from '../support/gmail-server.ts'
import {mailbox} from '../support/mailbox.ts'
import {hookOf, installPlugin} from '../support/plugins.ts'
import {addressIn, allowInBrowser, redirectAfterAllowing} from '../support/scripted-browser.ts'

const JOBS = 'jobs:\n  gmail_ingest_acct1:\n    account: acct1\n'
const LOGIN = ['accounts', 'login', 'acct1', '--no-browser'] as const

describe('lorchestra accounts login', () => {
  let server: GmailServer
  let folder: string
  let env: Record<string, string>

  before(async () => {
    server = await startGmailServer(mailbox(12, {now: new Date('2026-03-01T12:00:00Z')}))
  })
  after(async () => {
    await server.close()
  })
  beforeEach(async () => {
    folder = await temporaryFolder()
    env = {...server.env}
    delete env['GMAIL_ACCT1_REFRESH_TOKEN']
    await write(`accounts:\n${server.accountYaml}${JOBS}`)
  })

  const write = async (yaml: string): Promise<void> => writeFile(join(folder, 'lorchestra.yaml'), yaml)
  const withoutRefreshToken = (): string => server.accountYaml.replace(/ +refresh_token:.*\n/, '')
  const run = async (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<CliResult> =>
    lorchestra(args, {cwd: folder, env: {...env, ...more}})

  /** Runs the login; `act` is what happens in the browser once the address is there. */
  async function signIn(
    act: (address: string, kill: (signal: NodeJS.Signals) => void) => Promise<unknown>,
    {args = LOGIN, more = {}}: {args?: readonly string[]; more?: Record<string, string>} = {},
  ): Promise<CliResult> {
    const running = await startLorchestra(args, {cwd: folder, env: {...env, ...more}})
    let seen = ''
    running.process.stderr?.on('data', (chunk: string) => {
      seen += chunk
    })
    await untilStderrHas(running, 'prompt=')
    await untilAddressIsWhole(() => seen, running.process.stderr)
    await act(addressIn(seen), (signal) => running.process.kill(signal))
    return running.result
  }

  async function untilAddressIsWhole(seen: () => string, stderr: NodeJS.ReadableStream | null): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (/^ {2}http\S+\n/m.test(seen())) resolve()
      }
      stderr?.on('data', look)
      look()
    })
  }

  const storedFiles = async (): Promise<readonly string[]> => {
    const secrets = join(dataFolder(await homeOfTest()), 'secrets')
    if (!(await exists(secrets))) return []
    return (await readdir(secrets, {recursive: true}))
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(secrets, name))
  }

  it('keeps a refresh token that runs use from then on, without the variable that was to hold one', async () => {
    const before = await run(['run', 'gmail_ingest_acct1', '--dry-run'])
    expect(before.code).to.equal(2)
    expect(before.stderr).to.contain('GMAIL_ACCT1_REFRESH_TOKEN')

    let page: Response | undefined
    const {code, stdout, stderr} = await signIn(async (address) => {
      page = await allowInBrowser(address)
    })
    expect(stderr).not.to.contain('Error')
    expect(code).to.equal(0)
    expect(stdout).to.equal('✓ acct1: signed in to gmail; stored refresh_token\n')
    expect(page?.status).to.equal(200)
    expect(await page?.text()).to.contain('go back to the terminal')

    const [file, ...others] = await storedFiles()
    expect(others).to.deep.equal([])
    expect((await stat(file ?? '')).mode & 0o777).to.equal(0o600)
    const after = await run(['run', 'gmail_ingest_acct1'])
    expect(after.stderr).to.equal('')
    expect(after.code).to.equal(0)
    expect(after.stdout).to.match(/ [1-9]\d* extracted/)
  })

  it('needs no refresh_token in lorchestra.yaml at all', async () => {
    await write(`accounts:\n${withoutRefreshToken()}${JOBS}`)
    const before = await run(['run', 'gmail_ingest_acct1', '--dry-run'])
    expect(before.code).to.equal(2)
    expect(before.stderr).to.contain('not signed in yet').and.to.contain('lorchestra accounts login acct1')
    expect((await signIn(async (address) => allowInBrowser(address))).code).to.equal(0)
    expect((await run(['run', 'gmail_ingest_acct1', '--dry-run'])).code).to.equal(0)
  })

  it('belongs to the file, by whatever link that is reached, and is found again after a move', async () => {
    await write(`accounts:\n${withoutRefreshToken()}${JOBS}`)
    const link = join(await temporaryFolder(), 'link')
    await symlink(folder, link)
    expect((await signIn(async (address) => allowInBrowser(address))).code).to.equal(0)
    const through = await run(['run', 'gmail_ingest_acct1', '--dry-run', '--config', join(link, 'lorchestra.yaml')])
    expect(through.code, through.stderr).to.equal(0)

    const former = folder
    folder = join(await temporaryFolder(), 'moved')
    await rename(former, folder)
    const moved = await run(['run', 'gmail_ingest_acct1', '--dry-run'])
    expect(moved.code).to.equal(2)
    expect(moved.stderr).to.contain(`What was signed in was ${join(former, 'lorchestra.yaml')}, which is gone`)
    const advice = /mkdir -p .* && mv .*$/m.exec(moved.stderr)?.[0] ?? 'false'
    execFileSync('sh', ['-c', advice])
    expect((await run(['run', 'gmail_ingest_acct1', '--dry-run'])).code).to.equal(0)
  })

  it('is found by the next Pod, for whom Kubernetes lays the same ConfigMap in another folder', async () => {
    await write(`accounts:\n${withoutRefreshToken()}${JOBS}`)
    const layAnew = async (version: string): Promise<void> => {
      await mkdir(join(folder, version))
      await rename(join(folder, 'lorchestra.yaml'), join(folder, version, 'lorchestra.yaml'))
      await rm(join(folder, '..data'), {force: true})
      await symlink(version, join(folder, '..data'))
      await symlink(join('..data', 'lorchestra.yaml'), join(folder, 'lorchestra.yaml'))
    }
    await layAnew('..2026_11_28_11_40_02.3119512012')
    expect((await signIn(async (address) => allowInBrowser(address))).code).to.equal(0)
    await rename(join(folder, '..data', 'lorchestra.yaml'), join(folder, 'lorchestra.yaml'))
    await layAnew('..2026_11_28_12_17_00.855023461')
    const {code, stderr} = await run(['run', 'gmail_ingest_acct1', '--dry-run'])
    expect(code, stderr).to.equal(0)
    expect(await readdir(join(dataFolder(await homeOfTest()), 'secrets'))).to.have.length(1)
  })

  it('is found where it was kept under the spelling of a link', async () => {
    await write(`accounts:\n${withoutRefreshToken()}${JOBS}`)
    expect((await signIn(async (address) => allowInBrowser(address))).code).to.equal(0)
    const link = join(await temporaryFolder(), 'link')
    await symlink(folder, link)
    const spelled = join(link, 'lorchestra.yaml')
    const secrets = join(dataFolder(await homeOfTest()), 'secrets')
    const [name = ''] = await readdir(secrets)
    const key = createHash('sha256').update(spelled).digest('hex').slice(0, 16)
    await rename(join(secrets, name), join(secrets, key))
    expect((await run(['run', 'gmail_ingest_acct1', '--dry-run', '--config', spelled])).code).to.equal(0)
    expect(await readdir(secrets)).to.deep.equal([name])
  })

  it('works for an account that no job reads yet', async () => {
    await write(`accounts:\n${server.accountYaml}`)
    const {code} = await signIn(async (address) => allowInBrowser(address))
    expect(code).to.equal(0)
  })

  it('yields to a refresh token that the user sets afterwards, instead of hiding it', async () => {
    expect((await signIn(async (address) => allowInBrowser(address))).code).to.equal(0)
    const {code, stderr} = await run(['run', 'gmail_ingest_acct1', '--dry-run'], {
      GMAIL_ACCT1_REFRESH_TOKEN: 'set-anew-but-revoked',
    })
    expect(code).to.equal(1)
    expect(stderr).to.contain('invalid_grant').and.not.to.contain('set-anew-but-revoked')
  })

  it('replaces a refresh token that is set but no longer good', async () => {
    const more = {GMAIL_ACCT1_REFRESH_TOKEN: 'expired'}
    expect((await run(['run', 'gmail_ingest_acct1', '--dry-run'], more)).code).to.equal(1)
    expect((await signIn(async (address) => allowInBrowser(address), {more})).code).to.equal(0)
    expect((await run(['run', 'gmail_ingest_acct1', '--dry-run'], more)).code).to.equal(0)
  })

  it('asks Google for a lasting token, with PKCE and a state of its own each time', async () => {
    const addresses: URL[] = []
    for (let times = 0; times < 2; times += 1) {
      await signIn(async (address) => {
        addresses.push(new URL(address))
        await allowInBrowser(address)
      })
    }
    for (const {searchParams} of addresses) {
      expect(Object.fromEntries(searchParams)).to.include({
        client_id: server.clientId,
        response_type: 'code',
        scope: 'https://www.googleapis.com/auth/gmail.readonly',
        code_challenge_method: 'S256',
        access_type: 'offline',
      })
      expect(searchParams.get('redirect_uri')).to.match(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect(searchParams.get('prompt')).to.contain('consent')
    }
    for (const name of ['state', 'code_challenge']) {
      const values = addresses.map(({searchParams}) => searchParams.get(name) ?? '')
      expect(new Set(values).size).to.equal(2)
      expect(values[0]).to.match(/^[\w-]{43}$/)
    }
  })

  it('takes no answer but the one with its state', async () => {
    const refused: number[] = []
    const {code} = await signIn(async (address) => {
      const right = new URL(await redirectAfterAllowing(address))
      const forged = new URL(right)
      forged.searchParams.set('state', 'guessed')
      const without = new URL(right)
      without.searchParams.delete('state')
      for (const url of [forged, without, new URL('/favicon.ico', right)]) refused.push((await fetch(url)).status)
      await fetch(right)
    })
    expect(refused).to.deep.equal([400, 400, 400])
    expect(code).to.equal(0)
  })

  it('goes on whatever is sent to its port', async () => {
    const {code} = await signIn(async (address) => {
      const right = new URL(await redirectAfterAllowing(address))
      const query = right.search
      const hosts = `Host: ${right.host}\r\n`
      for (const sent of [
        `GET // HTTP/1.1\r\n${hosts}\r\n`,
        `GET //${query} HTTP/1.1\r\n${hosts}\r\n`,
        `GET http://[${query} HTTP/1.1\r\n${hosts}\r\n`,
        `HEAD /${query} HTTP/1.1\r\n${hosts}\r\n`,
        `OPTIONS * HTTP/1.1\r\n${hosts}\r\n`,
        `CONNECT other:443 HTTP/1.1\r\n${hosts}\r\n`,
        `GET / HTTP/1.1\r\n${hosts}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
        `POST / HTTP/1.1\r\n${hosts}Content-Length: 5\r\n\r\nab`,
        `GET / HTTP/1.1\r\n${hosts}X-Long: ${'x'.repeat(100_000)}\r\n\r\n`,
        'no HTTP at all\r\n\r\n',
        '\u0016\u0003\u0001\u0000\u0000',
        '',
      ]) {
        const socket = connect(Number(right.port), right.hostname)
        socket.on('error', () => undefined)
        socket.end(sent)
        await new Promise((resolve) => socket.resume().once('close', resolve))
      }
      await fetch(right)
    })
    expect(code).to.equal(0)
  })

  it('fails where somebody else’s code comes with the right state, because its challenge is another', async () => {
    const {code, stderr} = await signIn(async (address) => {
      const other = new URL(address)
      other.searchParams.set('code_challenge', 'x'.repeat(43))
      await allowInBrowser(other.href)
    })
    expect(code).to.equal(1)
    expect(stderr).to.contain('invalid_grant')
    expect(await storedFiles()).to.deep.equal([])
  })

  it('says so when access was declined, and stores nothing', async () => {
    const {code, stderr} = await signIn(async (address) => {
      const {searchParams} = new URL(address)
      const back = new URL(searchParams.get('redirect_uri') ?? '')
      back.search = String(new URLSearchParams({error: 'access_denied', state: searchParams.get('state') ?? ''}))
      await fetch(back)
    })
    expect(code).to.equal(1)
    expect(stderr).to.contain('access was not allowed')
    expect(await storedFiles()).to.deep.equal([])
  })

  it('stops at Ctrl-C', async () => {
    const {code, stderr} = await signIn(async (_, kill) => {
      kill('SIGINT')
      return Promise.resolve()
    })
    expect(code).to.equal(130)
    expect(stderr).to.contain('stopped by SIGINT').and.to.contain('Run it again to sign in')
  })

  it('waits no longer than it was told', async () => {
    const {code, stderr} = await run([...LOGIN, '--timeout', '1s'])
    expect(code).to.equal(1)
    expect(stderr).to.contain('nobody signed in within 1s').and.to.contain('--timeout')
  })

  it('is one document with --json, and prints no token in any case', async () => {
    const {stdout, stderr} = await signIn(async (address) => allowInBrowser(address), {
      args: [...LOGIN, '--json', '--log-level', 'debug'],
    })
    expect(JSON.parse(stdout)).to.deep.equal({
      schema: 1,
      login: {account: 'acct1', source: 'gmail', stored: ['refresh_token']},
    })
    const [file] = await storedFiles()
    const {refresh_token: kept} = JSON.parse(await readFile(file ?? '', 'utf8')) as {refresh_token: string}
    const {token} = JSON.parse(kept) as {token: string}
    expect(token).to.match(/^google_refresh_/)
    expect(stdout + stderr)
      .not.to.contain(token)
      .and.not.to.contain(server.clientSecret)
  })

  it('refuses to wait for a person where there is no terminal', async () => {
    const {code, stdout, stderr} = await run(['accounts', 'login', 'acct1'])
    expect(code).to.equal(2)
    expect(stdout).to.equal('')
    expect(stderr).to.contain('a login needs a person at a terminal').and.to.contain('--no-browser')
  })

  for (const [args, problem, next] of [
    [['acct2'], 'there is no account "acct2"', 'acct1'],
    [['acct1', '--timeout', '5'], 'is not a duration', '30m'],
    [['acct1', '--timeout', '0s'], 'is no time to wait', '24h'],
    [['acct1', '--timeout', '30d'], 'is no time to wait', '24h'],
  ] as const) {
    it(`ends with 2 for ${args.join(' ')}`, async () => {
      const {code, stderr} = await run(['accounts', 'login', ...args, '--no-browser'])
      expect(code).to.equal(2)
      expect(stderr).to.contain(problem).and.to.contain(next)
    })
  }

  it('names the variables that a login itself needs', async () => {
    const {code, stderr} = await lorchestra([...LOGIN], {cwd: folder})
    expect(code).to.equal(2)
    expect(stderr).to.contain('GMAIL_ACCT1_CLIENT_ID').and.not.to.contain('REFRESH_TOKEN')
    const {stderr: second} = await lorchestra([...LOGIN], {cwd: folder, env: {GMAIL_ACCT1_CLIENT_ID: 'id'}})
    expect(second).to.contain('GMAIL_ACCT1_CLIENT_SECRET').and.not.to.contain('REFRESH_TOKEN')
  })

  describe('of another source', () => {
    const FILE = `
accounts:
  mine: {source: notes, url: "https://notes.example", token: "\${TOKEN}"}
jobs:
  notes: {account: mine, folder: inbox}
`
    const hookWith = (login: string): string => hookOf('notes', {source: `secrets: ['token'], ${login}`})
    const loginOf = async (login: string, args: readonly string[] = []): Promise<CliResult> => {
      await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook: hookWith(login)})
      await write(FILE)
      return lorchestra(['accounts', 'login', 'mine', '--no-browser', ...args], {cwd: folder})
    }

    it('shows what the source tells the person, and hands it the options of account and job', async () => {
      const {code, stdout, stderr} = await loginOf(`async login({tell, secrets, options}) {
        tell('Enter the code ABCD-1234 at https://notes.example/device')
        await secrets.update('cache', () => JSON.stringify(options))
      },`)
      expect(code).to.equal(0)
      expect(stderr).to.equal('Enter the code ABCD-1234 at https://notes.example/device\n')
      expect(stdout).to.equal('✓ mine: signed in to notes; stored cache\n')
      const [file] = await storedFiles()
      const {cache} = JSON.parse(await readFile(file ?? '', 'utf8')) as {cache: string}
      expect(JSON.parse(cache)).to.deep.equal({url: 'https://notes.example', folder: 'inbox'})
    })

    it('is said to be missing where the source has none', async () => {
      const {code, stderr} = await loginOf('')
      expect(code).to.equal(2)
      expect(stderr).to.contain('notes has no login').and.to.contain('accounts: mine:')
    })

    it('fails where the source ends without storing anything', async () => {
      const {code, stderr} = await loginOf('login: async () => undefined,')
      expect(code).to.equal(1)
      expect(stderr).to.contain('without storing anything')
    })

    it('ends in time where the source does not listen', async () => {
      const {code, stderr} = await loginOf('login: () => new Promise((resolve) => setTimeout(resolve, 600_000)),', [
        '--timeout',
        '1s',
      ])
      expect(code).to.equal(1)
      expect(stderr).to.contain('nobody signed in within 1s')
    })

    it('opens nothing but pages', async () => {
      const {code, stderr} = await loginOf("login: async ({open}) => open(new URL('file:///etc/hostname')),")
      expect(code).to.equal(1)
      expect(stderr).to.contain('file: is no address for a browser')
    })
  })
})

describe('lorchestra accounts list', () => {
  const FILE = `
accounts:
  acct1: {source: notes, url: "\${URL}", token: "\${TOKEN}"}
  acct2: {source: missing, source_system: other, token: literal-secret}
jobs:
  a: {account: acct1}
  b: {account: acct1}
`

  it('shows whose accounts there are, what is stored for them, and what runs still need', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'lorchestra.yaml'), FILE)
    const hook = hookOf('notes', {
      source: "secrets: ['token'], login: async ({secrets}) => secrets.update('token', () => 'very-secret'),",
    })
    await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook})
    const list = async (...args: readonly string[]): Promise<CliResult> =>
      lorchestra(['accounts', 'list', ...args], {cwd: folder, env: {URL: 'https://notes.example'}})
    expect((await list()).stdout).to.equal(`ACCOUNT  SOURCE   SOURCE SYSTEM  STORED SECRETS  MISSING VARIABLES  JOBS
acct1    notes    notes--acct1   -               TOKEN              a, b
acct2    missing  other          -               -                  -
`)
    await lorchestra(['accounts', 'login', 'acct1', '--no-browser'], {
      cwd: folder,
      env: {URL: 'https://notes.example'},
    })
    const {code, stdout} = await list('--json')
    expect(code).to.equal(0)
    expect(stdout).not.to.contain('secret"')
    expect(JSON.parse(stdout)).to.deep.equal({
      schema: 1,
      accounts: [
        {
          account: 'acct1',
          source: 'notes',
          source_system: 'notes--acct1',
          stored: ['token'],
          missing_variables: [],
          jobs: ['a', 'b'],
        },
        {
          account: 'acct2',
          source: 'missing',
          source_system: 'other',
          stored: [],
          missing_variables: [],
          jobs: [],
        },
      ],
    })
  })
})
