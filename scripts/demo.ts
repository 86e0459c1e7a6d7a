import {query} from '../test/support/database.ts'
import {lorchestra} from './command-line.ts'
import {CONTACTS, MESSAGES, withLocalJobs} from './local-jobs.ts'

const contentsOf = (table: string): string =>
  table.endsWith('event_log')
    ? `SELECT event_type, count(*)::INT AS events, max(status) AS status FROM ${table} GROUP BY ALL ORDER BY min(rowid)`
    : `SELECT source_system, object_type, count(*)::INT AS rows, count(DISTINCT idem_key)::INT AS keys FROM ${table} GROUP BY ALL`

const JOBS = 'gmail_ingest_acct1 dataverse_ingest_contacts'

/** Two jobs from beginning to end; no account, no internet. */
await withLocalJobs(async ({addresses, env, folder, database, spoilContacts}) => {
  const step = async (title: string, line: string): Promise<void> => {
    console.log(`\n${title}\n$ lorchestra ${line}`)
    const echo = (text: string): void => {
      process.stdout.write(text)
    }
    const {code} = await lorchestra(line, {folder, env, echo})
    if (code !== 0) throw new Error(`lorchestra ${line} ended with exit code ${code}`)
  }
  console.log(
    `A Gmail API runs on ${addresses.gmail}. Its mailbox holds ${MESSAGES} messages, 20 of them in spam or trash, which Gmail leaves out.\n` +
      `An OData server with the addresses of Dataverse runs on ${addresses.dataverse}. It holds ${CONTACTS} contacts.`,
  )
  await step(
    '1. A dry run reads everything, compares it with production and writes nothing',
    `run ${JOBS} --dry-run --diff`,
  )
  await step('2. A test run writes everything into test tables', `run ${JOBS} --test-table`)
  await step('3. What the test run stored, beside production', 'test compare gmail_ingest_acct1')
  for (const job of JOBS.split(' '))
    await step(`4. It becomes production’s, and nothing is read again: ${job}`, `test promote ${job}`)
  await step('5. A plain run goes on from there: nothing is new', `run ${JOBS}`)
  await spoilContacts()
  const contactsJob = 'dataverse_ingest_contacts'
  await step(
    '6. A bad import wrote one address over twelve at the source: see it',
    `run ${contactsJob} --dry-run --diff`,
  )
  await step('7. Had nobody looked, production would hold it', `run ${contactsJob}`)
  const {output} = await lorchestra(`runs list --job ${contactsJob} --limit 1 --json`, {folder, env})
  const [bad] = (JSON.parse(output) as {runs: readonly {run_id: string}[]}).runs
  await step('8. It is taken back: the twelve rows hold what they held', `runs undo ${bad?.run_id}`)
  console.log('\n9. What is in lorchestra.duckdb now')
  for (const table of ['raw_objects', 'event_log', 'test_raw_objects', 'test_event_log']) {
    console.log(`\n${table}`)
    console.table(await query(database, contentsOf(table)))
  }
})
