import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {startGmailServer} from '../test/support/gmail-server.ts'
import {mailbox} from '../test/support/mailbox.ts'
import {query} from '../test/support/database.ts'
import {lorchestra} from './command-line.ts'

const MESSAGES = 240

/** The main job from beginning to end, against a real Gmail API server on this machine; no account, no internet. */
const folder = await mkdtemp(join(tmpdir(), 'lorchestra-demo-'))
const server = await startGmailServer(mailbox(MESSAGES, {now: new Date()}))
try {
  await writeFile(
    join(folder, 'lorchestra.yaml'),
    `warehouse:\n  type: duckdb\n  path: lorchestra.duckdb\naccounts:\n${server.accountYaml}jobs:\n  gmail_ingest_acct1:\n    account: acct1\n`,
  )
  console.log(`A Gmail API with a mailbox of ${MESSAGES} messages runs on ${server.url}.`)
  await step('1. A dry run reads everything and writes nothing', 'run gmail_ingest_acct1 --dry-run')
  await step('2. A test run writes everything into test tables', 'run gmail_ingest_acct1 --test-table')
  await step('3. The real run', 'run gmail_ingest_acct1')
  await step('4. Once more: nothing is new, so nothing is inserted', 'run gmail_ingest_acct1')
  console.log('\n5. What is in lorchestra.duckdb now')
  for (const table of ['raw_objects', 'event_log', 'test_raw_objects', 'test_event_log']) await show(table)
} finally {
  await server.close()
  await rm(folder, {recursive: true, force: true})
}

async function step(title: string, line: string): Promise<void> {
  console.log(`\n${title}\n$ lorchestra ${line}`)
  const echo = (text: string): void => {
    process.stdout.write(text)
  }
  const {code} = await lorchestra(line, {folder, env: server.env, echo})
  if (code !== 0) throw new Error(`lorchestra ${line} ended with exit code ${code}`)
}

async function show(table: string): Promise<void> {
  const what = table.endsWith('event_log')
    ? `SELECT event_type, count(*) AS events, max(status) AS status FROM ${table} GROUP BY ALL ORDER BY min(created_at), event_type`
    : `SELECT source_system, object_type, count(*) AS records, count(DISTINCT idem_key) AS keys FROM ${table} GROUP BY ALL`
  console.log(`\n${table}`)
  console.table(await query(join(folder, 'lorchestra.duckdb'), what))
}
