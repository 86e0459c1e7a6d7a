import {expect} from 'chai'

import {homeOfTest} from '../../../test/support/cli.ts'
import {createProject} from '../../../test/support/external-source.ts'
import {passTo, startFaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer} from '../../../test/support/gmail-server.ts'
import {expectStoredWhole, HOSTILE} from '../../../test/support/hostile-answers.ts'
import {mailbox} from '../../../test/support/mailbox.ts'

describe('hostile answers of Gmail', () => {
  it('are stored whole, and known when they come again', async () => {
    const box = mailbox(HOSTILE.length, {now: new Date()}).map((message) => ({...message, labels: ['INBOX']}))
    const ids = box.map(({id}) => id)
    const server = await startGmailServer(box)
    const proxy = await startFaultProxy()
    try {
      await proxy.rules.forGet(/\/messages\/[^/]+$/).thenCallback(async (request) => {
        const answer = await passTo(server.url)(request)
        const [, hostile] = HOSTILE[ids.indexOf(new URL(request.url).pathname.split('/').at(-1) ?? '')] ?? []
        return {...answer, body: String(answer.body).replace('{', () => `{"hostile":${hostile},`)}
      })
      await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
      const accounts = server.accountYaml.replace(`api_url: ${server.url}`, `api_url: ${proxy.url}`)
      const project = await createProject({
        home: await homeOfTest(),
        yaml: `warehouse: {type: duckdb, path: lorchestra.duckdb}\naccounts:\n${accounts}jobs:\n  mail:\n    account: acct1\n`,
      })
      const first = await project.run(['run', 'mail'], server.env)
      expect(first.stdout + first.stderr).to.contain(`${ids.length} extracted, ${ids.length} inserted`)
      await expectStoredWhole(project.database, ids)
      const again = await project.run(['run', 'mail', '--full', '--refetch'], server.env)
      expect(again.stdout + again.stderr).to.contain(`0 inserted, 0 updated, ${ids.length} unchanged`)
    } finally {
      await proxy.close()
      await server.close()
    }
  })
})
