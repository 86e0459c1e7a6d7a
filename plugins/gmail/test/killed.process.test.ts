import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'

import {expect} from 'chai'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {query} from '../../../test/support/database.ts'
import {passTo, startFaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox} from '../../../test/support/mailbox.ts'
import {databaseIn} from '../../../test/support/scripted-run.ts'
import type {RunApart} from './run-apart.ts'

const MESSAGES = 600
const IN_A_MINUTE = 25
const COMMIT_AFTER = 50
const CONCURRENCY = 4
/** Gets that a run may do before it is killed. */
const LIFETIME = 130

describe('a first run over a dense month', () => {
  it('gets to its end however often it is killed, and fetches little twice', async () => {
    // All within seven days, which are one slice of 30 days.
    const box = mailbox(MESSAGES, {now: new Date(), recent: MESSAGES})
    const server = await startGmailServer(box)
    const proxy = await startFaultProxy()
    const folder = await temporaryFolder()
    const fetched: string[] = []
    let killSoon: (() => void) | undefined
    try {
      await proxy.rules.forUnmatchedRequest().thenCallback(async (request) => {
        const id = /\/messages\/(\w+)/.exec(request.url)?.[1]
        if (id !== undefined) fetched.push(id)
        if (id !== undefined && fetched.length % LIFETIME === 0) killSoon?.()
        return passTo(server.url)(request)
      })
      const run: RunApart = {
        folder,
        commitAfter: {records: COMMIT_AFTER, milliseconds: 1e9},
        options: {
          client_id: server.clientId,
          client_secret: server.clientSecret,
          refresh_token: server.refreshToken,
          api_url: proxy.url,
          token_url: server.tokenUrl,
          include_spam_trash: true,
          concurrency: CONCURRENCY,
          units_per_minute: IN_A_MINUTE * 20,
        },
      }
      let kills = 0
      for (let said = ''; said !== 'done';) {
        const order = JSON.stringify({...run, runId: `run-${kills}`})
        const child = spawn(process.execPath, [join(import.meta.dirname, 'run-apart.ts'), order], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        killSoon = () => child.kill('SIGKILL')
        let output = ''
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text
        })
        const [, signal] = (await once(child, 'close')) as [number | null, string | null]
        said = output
        if (signal === 'SIGKILL') kills += 1
        else expect(said).to.equal('done')
      }
      const rows = await query(databaseIn(folder), 'SELECT external_id AS id FROM raw_objects ORDER BY 1')
      expect(rows.map(({id}) => id)).to.deep.equal(box.map(({id}) => id).toSorted())
      expect(kills).to.be.at.least(3)
      const twice = fetched.length - MESSAGES
      expect(twice, `${kills} kills`).to.be.at.most(kills * (COMMIT_AFTER + IN_A_MINUTE + CONCURRENCY))
    } finally {
      await proxy.close()
      await server.close()
    }
  })
})
