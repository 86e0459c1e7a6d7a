import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {homeOfTest, lorchestra, temporaryFolder, type CliResult} from '../../../test/support/cli.ts'
import {query} from '../../../test/support/database.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox, type MailboxMessage} from '../../../test/support/mailbox.ts'

describe('a message that was too large for max_message_bytes', () => {
  let server: GmailServer
  before(async () => {
    const [first, ...others] = mailbox(5, {now: new Date('2026-03-01T12:00:00Z')}) as readonly [MailboxMessage]
    const raw = Buffer.concat([first.raw, Buffer.alloc(1_000_000, `${'x'.repeat(98)}\r\n`)])
    server = await startGmailServer([{...first, id: '1a', raw}, ...others])
  })
  after(async () => {
    await server.close()
  })

  it('is passed over by plain runs when that is raised, and read by the command that the first run names', async () => {
    const [folder, home] = [await temporaryFolder(), await homeOfTest()]
    const database = join(folder, 'lorchestra.duckdb')
    const run = async (args: readonly string[]): Promise<CliResult> =>
      lorchestra(args, {cwd: folder, home, env: server.env})
    const write = async (limit: string): Promise<void> =>
      writeFile(
        join(folder, 'lorchestra.yaml'),
        `accounts:\n${server.accountYaml}jobs:\n  mail:\n    account: acct1\n    format: raw\n${limit}`,
      )
    const isStored = async (): Promise<number> =>
      (await query(database, `SELECT 1 FROM raw_objects WHERE external_id = '1a'`)).length

    await write('    max_message_bytes: 500000\n')
    const first = await run(['run', 'mail'])
    expect(first.code, first.stderr).to.equal(3)
    expect(await isStored()).to.equal(0)
    const [, command = ''] = /lorchestra (rejects retry \S+)/.exec(first.stdout) ?? []

    await write('')
    expect((await run(['run', 'mail'])).code).to.equal(0)
    expect(await isStored()).to.equal(0)
    const retried = await run(command.split(' '))
    expect(retried.code, `${retried.stdout}${retried.stderr}`).to.equal(0)
    expect(await isStored()).to.equal(1)
  })
})
