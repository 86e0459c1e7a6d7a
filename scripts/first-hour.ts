import {execFile, spawn} from 'node:child_process'
import {copyFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'

import {startGmailQuota} from '../test/support/gmail-quota.ts'
import {startGmailServer} from '../test/support/gmail-server.ts'
import {mailbox} from '../test/support/mailbox.ts'
import {addressIn, allowInBrowser} from '../test/support/scripted-browser.ts'

/**
 * Does what a new user does in the first hour, as real commands in an empty folder, and writes down all that they see.
 * Needs the npm registry for what lorchestra depends on.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const record = new URL('../artifacts/test/first-hour.md', import.meta.url)
const home = await realpath(await mkdtemp(join(tmpdir(), 'lorchestra-first-hour-')))
const run = promisify(execFile)
const npmSetting = async (name: string): Promise<string> => (await run('npm', ['config', 'get', name])).stdout.trim()

/** The machine's own programs, and none of this repository's. */
const programs = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
const env = {
  HOME: home,
  PATH: [join(home, '.npm-global', 'bin'), dirname(process.execPath), ...programs].join(delimiter),
  npm_config_prefix: join(home, '.npm-global'),
  // How this machine reaches its npm registry.
  npm_config_globalconfig: await npmSetting('globalconfig'),
  npm_config_userconfig: await npmSetting('userconfig'),
  npm_config_cache: await npmSetting('cache'),
  ...(process.env['NODE_EXTRA_CA_CERTS'] !== undefined && {
    NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'],
  }),
}

const lines: string[] = []
const say = (...text: string[]): void => void lines.push(...text, '')
/** From `init` to production. */
const MOST_COMMANDS = 6
const MOST_MILLISECONDS = 3 * 60_000
let commands = 0
let waited = 0

interface Step {
  /** The exit code that this step is about; another one ends the recording. */
  readonly code?: number
  /** Gets what was printed so far, until it has done its part. */
  readonly person?: (seen: string) => Promise<boolean>
}

/** Runs a line of the shell as it stands and writes down what it prints. */
async function step(folder: string, line: string, {code: expected = 0, person}: Step = {}): Promise<void> {
  commands += 1
  const startedAt = performance.now()
  const child = spawn('sh', ['-c', line], {cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe']})
  let output = ''
  let waiting = person
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const act = waiting
      waiting = undefined
      if (act !== undefined)
        void act(output).then((done) => {
          if (!done) waiting = act
        })
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const milliseconds = performance.now() - startedAt
  waited += milliseconds
  const seconds = (milliseconds / 1000).toFixed(1)
  const shown = output.replaceAll(home, '~').trimEnd()
  say('```', `$ ${line}`, ...(shown === '' ? [] : [shown]), '```', '', `Exit code ${code}, ${seconds} s.`)
  console.log(`${line}: exit code ${code}, ${seconds} s`)
  if (code !== expected) throw new Error(`${line} ended with ${code}: ${output}`)
}

const soFar = (): string => `${commands} commands that took ${Math.round(waited / 1000)} s`

const allow = async (seen: string): Promise<boolean> => {
  if (!/^ {2}http\S+\n/m.test(seen)) return false
  await allowInBrowser(addressIn(seen))
  return true
}

async function firstRun(): Promise<void> {
  const server = await startGmailServer(mailbox(240, {now: new Date()}))
  const quota = await startGmailQuota(server.apiUrl)
  try {
    const folder = join(home, 'ingestion')
    const job = 'gmail_ingest_acct1'
    say('## 1. From an empty folder to a production run')
    await step(home, 'npm install --global --no-audit --no-fund ./lorchestra-0.1.0.tgz')
    await step(home, 'mkdir ingestion')
    commands = 0
    waited = 0
    await step(folder, 'lorchestra init')
    await copyEnvironment(folder)
    const environment = await readFile(join(folder, '.env'), 'utf8')
    const values: Readonly<Record<string, string>> = server.env
    const filled = environment.replaceAll(/^([A-Z0-9_]+)=$/gm, (line, name: string) => `${line}${values[name] ?? ''}`)
    await writeFile(join(folder, '.env'), filled)
    const yaml = await readFile(join(folder, 'lorchestra.yaml'), 'utf8')
    const local = `    api_url: ${quota.url}\n    authorization_url: ${server.authorizationUrl}\n    token_url: ${server.tokenUrl}\n`
    await writeFile(join(folder, 'lorchestra.yaml'), yaml.replace('    source: gmail\n', `    source: gmail\n${local}`))
    say(
      'Now `.env.example` is copied to `.env`, and the two variables in it get their values in an editor. (And since this is a local Gmail server, the account in `lorchestra.yaml` gets `api_url`, `authorization_url` and `token_url`. Nobody needs these for the real one. The server refuses what goes beyond the quota of the real one: 6,000 units in a minute, 20 for each message.)',
    )
    await step(folder, 'lorchestra accounts login acct1 --no-browser', {person: allow})
    await step(folder, 'lorchestra doctor')
    await step(folder, `lorchestra run ${job} --dry-run --diff --since -7d`)
    const seen = quota.fetched()
    await step(folder, `lorchestra run ${job} --test-table`)
    await step(folder, `lorchestra test promote ${job}`)
    if (commands > MOST_COMMANDS || waited > MOST_MILLISECONDS) throw new Error(`it took ${soFar()}`)
    const first = soFar()
    await step(folder, `lorchestra run ${job}`)
    const stored = quota.fetched()
    if (stored.size === 0 || [...stored.values()].some((times) => times !== 1))
      throw new Error('a message was fetched twice between the test run and the first plain run')
    say(
      `The mailbox is in production: ${first}, and one file edited. From the test run on each of the ${stored.size} messages was fetched once; the ${seen.size} of the last seven days were fetched by the dry run before, which keeps nothing. The server refused ${quota.refused()} requests for the quota. From now on a run reads what is new.`,
    )
    await step(folder, 'lorchestra runs list')
    say('## 2. What goes wrong, and what it says')
    await step(folder, 'lorchestra run gmail_ingest_acc1', {code: 2})
    await step(folder, `lorchestra run ${job} --dry-run --test-table`, {code: 2})
    await step(folder, `lorchestra run ${job} --since yesterday`, {code: 2})
    await step(folder, 'lorchestra rnu', {code: 2})
    await step(folder, 'lorchestra init', {code: 2})
    await step(home, 'lorchestra jobs list', {code: 2})
  } finally {
    await quota.close()
    await server.close()
  }
}

const copyEnvironment = async (folder: string): Promise<void> =>
  copyFile(join(folder, '.env.example'), join(folder, '.env'))

async function unknownApi(): Promise<void> {
  say('## 3. From an unknown API to a tested source')
  commands = 0
  waited = 0
  const folder = join(home, 'lorchestra-source-notes')
  await step(home, 'lorchestra sources create notes')
  await step(folder, 'npm install --no-audit --no-fund')
  await step(folder, 'npm test')
  await step(folder, 'lorchestra plugins link --no-install .')
  await step(folder, 'lorchestra sources list')
  say('In a second terminal, `npm run service` starts the small API that came with the source.')
  const service = spawn('npm', ['run', 'service'], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await new Promise<void>((resolve, reject) => {
      service.once('close', () => reject(new Error('npm run service ended')))
      service.stdout.on('data', (text: Buffer) => {
        if (String(text).includes('http://')) resolve()
      })
    })
    await step(folder, 'lorchestra run notes_items --dry-run')
    await step(folder, 'lorchestra run notes_items --test-table')
    say(`The new source's test run is done: ${soFar()}, and one command in the second terminal.`)
    await step(folder, 'lorchestra run notes_items')
  } finally {
    if (service.pid !== undefined) process.kill(-service.pid)
  }
}

try {
  await run('npm', ['pack', '--pack-destination', home], {cwd: root})
  say(
    '# The first hour',
    '',
    'Written by `npm run record:first-hour`: each command was run as a process, in an empty home folder, with the packed program installed from its tarball, against a real Gmail API server on this machine. Nothing is left out of what they print; `~` is that folder.',
  )
  await firstRun()
  await unknownApi()
  await mkdir(new URL('.', record), {recursive: true})
  await writeFile(record, `${lines.join('\n').trimEnd()}\n`)
  console.log(`wrote ${fileURLToPath(record)}`)
} finally {
  await rm(home, {recursive: true, force: true})
}
