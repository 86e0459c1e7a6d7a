import {execFile, spawn} from 'node:child_process'
import {mkdir, mkdtemp, readFile, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'

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
}

const lines: string[] = []
const say = (...text: string[]): void => void lines.push(...text, '')
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
  try {
    const folder = join(home, 'ingestion')
    const job = 'gmail_ingest_acct1'
    say('## 1. From an empty folder to a production run')
    await step(home, 'npm install --global --no-audit --no-fund ./lorchestra-0.1.0.tgz')
    await step(home, 'lorchestra')
    await step(home, 'mkdir ingestion')
    await step(folder, 'lorchestra init')
    await step(folder, 'lorchestra jobs list')
    await step(folder, 'lorchestra doctor', {code: 1})
    await step(folder, 'cp .env.example .env')
    const environment = await readFile(join(folder, '.env'), 'utf8')
    const values: Readonly<Record<string, string>> = server.env
    const filled = environment.replaceAll(/^([A-Z0-9_]+)=$/gm, (line, name: string) => `${line}${values[name] ?? ''}`)
    await writeFile(join(folder, '.env'), filled)
    const yaml = await readFile(join(folder, 'lorchestra.yaml'), 'utf8')
    const local = `    api_url: ${server.apiUrl}\n    authorization_url: ${server.authorizationUrl}\n    token_url: ${server.tokenUrl}\n    units_per_minute: 100000\n`
    await writeFile(join(folder, 'lorchestra.yaml'), yaml.replace('    source: gmail\n', `    source: gmail\n${local}`))
    say(
      'Now the two variables in `.env` get their values in an editor. (And since this is a local Gmail server, the account in `lorchestra.yaml` gets `api_url`, `authorization_url` and `token_url`, and `units_per_minute`, because it has no quota. Nobody needs these for the real one.)',
    )
    await step(folder, 'lorchestra accounts login acct1 --no-browser', {person: allow})
    await step(folder, 'lorchestra doctor')
    await step(folder, `lorchestra run ${job} --dry-run --since -7d`)
    await step(folder, `lorchestra run ${job} --test-table`)
    await step(folder, `lorchestra run ${job}`)
    say(`The first production run is done: ${soFar()}, and one file edited. From now on a run reads what is new.`)
    await step(folder, `lorchestra run ${job}`)
    await step(folder, 'lorchestra runs list')
    say('## 2. What goes wrong, and what it says')
    await step(folder, 'lorchestra run gmail_ingest_acc1', {code: 2})
    await step(folder, `lorchestra run ${job} --dry-run --test-table`, {code: 2})
    await step(folder, `lorchestra run ${job} --since yesterday`, {code: 2})
    await step(folder, 'lorchestra rnu', {code: 2})
    await step(folder, 'lorchestra init', {code: 2})
    await step(home, 'lorchestra jobs list', {code: 2})
  } finally {
    await server.close()
  }
}

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
