import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra, temporaryFolder, type CliResult} from '../../../test/support/cli.ts'
import {query} from '../../../test/support/database.ts'
import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox} from '../../../test/support/mailbox.ts'

/** The local server has no profiles, so the proxy in front of it gives the one that Gmail would. */
describe('whose mailbox it is', () => {
  let server: GmailServer
  let proxy: FaultProxy
  let folder: string
  let profile: object
  let fetched: number

  beforeEach(async () => {
    server = await startGmailServer(mailbox(5, {now: new Date()}))
    proxy = await startFaultProxy()
    folder = await temporaryFolder()
    profile = {emailAddress: 'ada@example.com', messagesTotal: 5, threadsTotal: 5, historyId: '1'}
    fetched = 0
    await proxy.rules
      .forGet('/gmail/v1/users/me/profile')
      .thenCallback(() => Promise.resolve({statusCode: 200, json: profile}))
    await proxy.rules.forUnmatchedRequest().thenCallback(async (request) => {
      if (request.url.includes('/messages')) fetched += 1
      return passTo(server.url)(request)
    })
    const account = server.accountYaml.replace(`api_url: ${server.url}`, `api_url: ${proxy.url}`)
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      `accounts:\n${account}jobs:\n  gmail_ingest_acct1:\n    account: acct1\n`,
    )
  })
  afterEach(async () => {
    await proxy.close()
    await server.close()
  })

  const run = async (...args: readonly string[]): Promise<CliResult> => lorchestra(args, {cwd: folder, env: server.env})

  it('is said by doctor', async () => {
    const {code, stdout} = await run('doctor', 'gmail_ingest_acct1')
    expect(code, stdout).to.equal(0)
    expect(stdout).to.contain('answers with the data of ada@example.com')
  })

  it('is asked in each run: an account that turns to another mailbox is refused, and no message of it is read', async () => {
    expect((await run('run', 'gmail_ingest_acct1')).code).to.equal(0)
    const before = await query(join(folder, 'lorchestra.duckdb'), 'SELECT * FROM raw_objects ORDER BY idem_key')
    profile = {...profile, emailAddress: 'grace@example.com'}
    fetched = 0
    for (const flags of [['--full', '--refetch'], ['--dry-run'], []]) {
      const {code, stderr} = await run('run', 'gmail_ingest_acct1', ...flags)
      expect(code, stderr).to.equal(2)
      expect(stderr).to.contain(
        'account acct1 used to hold the data of ada@example.com and now answers with that of grace@example.com',
      )
    }
    expect(fetched).to.equal(0)
    const after = await query(join(folder, 'lorchestra.duckdb'), 'SELECT * FROM raw_objects ORDER BY idem_key')
    expect(after).to.deep.equal(before)
  })

  it('is not guessed where the answer does not say it', async () => {
    profile = {historyId: '1'}
    const {code, stderr} = await run('run', 'gmail_ingest_acct1')
    expect(code).to.equal(1)
    expect(stderr).to.contain('holds no emailAddress; check that api_url is the Gmail API')
    expect(fetched).to.equal(0)
  })
})
