import {expect} from 'chai'

import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import {query} from '../../../test/support/database.ts'
import {folderForEachTest} from '../../../test/support/folder.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox, type MailboxMessage} from '../../../test/support/mailbox.ts'
import {databaseIn, scriptedRun, silentLog, type ScriptedRun} from '../../../test/support/scripted-run.ts'
import {options as schema} from '../src/options.ts'
import source from '../src/source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

describe('a Gmail job that says sweep: 7d', () => {
  const now = new Date()
  const box = mailbox(48, {now})
  const hidden = box.filter(({labels}) => labels.includes('SPAM') || labels.includes('TRASH'))
  const spam = box.find(({labels}) => labels.includes('SPAM')) as MailboxMessage
  let server: GmailServer

  beforeEach(async () => {
    server = await startGmailServer(box)
  })
  afterEach(async () => server.close())

  /** Runs as if it were so many days from now; the mailbox itself knows today alone. */
  const run = async (day: number, options: object = {}, more: Partial<ScriptedRun> = {}) => {
    const report = await scriptedRun({
      source,
      folder: folder(),
      // Gmail refuses a slice that ends in its future, so the first run lies in the past.
      now: now.getTime() - (10 - day) * DAY,
      sweep: 7 * DAY,
      options: schema.parse({
        client_id: server.clientId,
        client_secret: server.clientSecret,
        refresh_token: server.refreshToken,
        api_url: server.apiUrl,
        token_url: server.tokenUrl,
        ...options,
      }),
      http: createHttpClient({signal: new AbortController().signal, log: silentLog, backoffMs: 0}),
      ...more,
    })
    if (report.error !== undefined) throw report.error as Error
    return report
  }
  const stored = async (): Promise<ReadonlySet<unknown>> =>
    new Set((await query(databaseIn(folder()), 'SELECT external_id AS id FROM raw_objects')).map(({id}) => id))

  it('finds what came out of spam after days, which no window does', async () => {
    await run(2)
    await server.relabel(spam.id, {add: ['INBOX'], remove: ['SPAM']})
    await run(7)
    expect(await stored()).not.to.include(spam.id)
    const {swept, counts} = await run(10)
    expect(swept).to.include({unknown: 1})
    expect(counts).to.include({inserted: 1})
    expect(await stored()).to.include(spam.id)
  })

  it('finds what was imported with a date of thirty days ago', async () => {
    await run(2)
    const imported = await server.add({...spam, labels: ['INBOX'], received: new Date(now.getTime() - 30 * DAY)})
    await run(7)
    expect(await stored()).not.to.include(imported)
    await run(10)
    expect(await stored()).to.include(imported)
  })

  it('fetches nothing twice, and leaves out what is in spam and trash, or from before its start', async () => {
    const first = await run(10)
    expect(first.swept).to.deep.equal({listed: box.length - hidden.length, unknown: 0})
    const start = Date.parse('2024-01-01T00:00:00Z')
    const {swept} = await run(10, {}, {start, job: 'another'})
    const since = box.filter(({received}) => received.getTime() >= start)
    expect(swept).to.deep.equal({listed: since.filter((message) => !hidden.includes(message)).length, unknown: 0})
  })

  it('says what its windows can miss', () => {
    const missed = (options: object) =>
      source.streams(schema.parse({client_id: 'id', client_secret: 'secret', ...options})).map(({misses}) => misses)
    expect(missed({})).to.deep.equal([['late', 'moved']])
    expect(missed({include_spam_trash: true})).to.deep.equal([['late']])
    expect(missed({include_spam_trash: true, labels: ['INBOX']})).to.deep.equal([['late', 'moved']])
  })
})
