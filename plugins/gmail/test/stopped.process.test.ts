import {readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {homeOfTest, startLorchestra, temporaryFolder, type RunningCli} from '../../../test/support/cli.ts'
import {events, query} from '../../../test/support/database.ts'
import {exists, untilStderrHas} from '../../../test/support/external-source.ts'
import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox} from '../../../test/support/mailbox.ts'

const LISTS = '/gmail/v1/users/me/messages'

/** How the wait comes about, and what shows that it has begun. None of them would end by itself while the test has time. */
interface Wait {
  readonly options?: string
  readonly begin: (proxy: FaultProxy) => Promise<void>
  readonly begun: (running: RunningCli, proxy: FaultProxy) => Promise<unknown>
}

const requested = async (proxy: FaultProxy, path: string, times = 1): Promise<void> => {
  let seen = 0
  await new Promise<void>((resolve) => {
    void proxy.rules.on('request', ({url}) => {
      if (new URL(url).pathname.endsWith(path) && (seen += 1) === times) resolve()
    })
  })
}

const WAITS: Readonly<Record<string, Wait>> = {
  'for the rate limit': {
    // Enough for what comes before the first list, which takes minutes.
    options: '    units_per_minute: 30\n    units_per_list: 100\n',
    begin: () => Promise.resolve(),
    begun: async (_running, proxy) => requested(proxy, '/profile'),
  },
  'as long as the service asks': {
    begin: async (proxy) => {
      await proxy.rules.forGet(LISTS).thenReply(429, '', {'retry-after': '300'})
    },
    begun: async (running) => untilStderrHas(running, 'all requests wait'),
  },
  'for a server that hangs': {
    begin: async (proxy) => {
      await proxy.rules.forGet(LISTS).thenTimeout()
    },
    begun: async (_running, proxy) => requested(proxy, '/messages'),
  },
  'for a token that does not come': {
    begin: async (proxy) => {
      await proxy.rules.forPost('/oauth2/token').thenTimeout()
    },
    begun: async (_running, proxy) => requested(proxy, '/token'),
  },
  'between two tries': {
    begin: async (proxy) => {
      await proxy.rules.forGet(LISTS).thenReply(503)
    },
    begun: async (_running, proxy) => requested(proxy, '/messages', 4),
  },
}

describe('Ctrl-C while Gmail is waited for', () => {
  let server: GmailServer
  let proxy: FaultProxy
  let folder: string
  let home: string

  before(async () => {
    server = await startGmailServer(mailbox(5, {now: new Date()}))
  })
  after(async () => {
    await server.close()
  })
  beforeEach(async () => {
    proxy = await startFaultProxy()
    folder = await temporaryFolder()
    home = await homeOfTest()
  })
  afterEach(async () => {
    await proxy.close()
  })

  for (const [name, {options = '', begin, begun}] of Object.entries(WAITS)) {
    it(`ends the run at once ${name}, and nothing is written`, async () => {
      await begin(proxy)
      await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
      await writeFile(
        join(folder, 'lorchestra.yaml'),
        `accounts:\n${server.accountYaml.replaceAll(server.url, proxy.url)}jobs:\n  gmail_ingest_acct1:\n    account: acct1\n${options}`,
      )
      const running = await startLorchestra(['run', 'gmail_ingest_acct1'], {cwd: folder, env: server.env, home})
      await begun(running, proxy)
      running.process.kill('SIGINT')
      const {code, stderr, stdout} = await running.result
      expect(code, stdout + stderr).to.equal(130)
      expect(stderr).to.contain('stopped by SIGINT')
      const database = join(folder, 'lorchestra.duckdb')
      expect(await query(database, 'SELECT * FROM raw_objects')).to.deep.equal([])
      expect(await events(database, 'ingestion.completed')).to.deep.equal([])
      const [failed] = await events(database, 'job.failed')
      expect(failed).to.include({error_message: 'stopped by SIGINT'})
      const spool = join(home, 'cache', 'lorchestra', 'spool')
      expect((await exists(spool)) ? await readdir(spool) : []).to.deep.equal([])
    })
  }
})
