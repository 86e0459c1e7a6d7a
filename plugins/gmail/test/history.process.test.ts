import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {
  homeOfTest,
  lorchestra,
  startLorchestra,
  temporaryFolder,
  type CliResult,
  type RunningCli,
} from '../../../test/support/cli.ts'
import {events, query} from '../../../test/support/database.ts'
import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox, type MailboxMessage} from '../../../test/support/mailbox.ts'

const HISTORY = '/gmail/v1/users/me/history'
const JOB = 'gmail_ingest_acct1'

describe('Gmail with sync: history', () => {
  const box = mailbox(40, {now: new Date('2026-03-01T12:00:00Z')})
  const visible = box.filter(({labels}) => !labels.includes('SPAM') && !labels.includes('TRASH'))
  const [first, second, third] = visible as [MailboxMessage, MailboxMessage, MailboxMessage]
  let server: GmailServer
  let proxy: FaultProxy
  let folder: string
  /** Ids of the messages that were fetched whole. */
  let fetched: string[]

  beforeEach(async () => {
    server = await startGmailServer(box)
    proxy = await startFaultProxy()
    fetched = []
    await proxy.rules.on('request', ({url}) => {
      const {pathname, searchParams} = new URL(url)
      if (searchParams.get('format') === 'full') fetched.push(pathname.split('/').at(-1) ?? '')
    })
    folder = await temporaryFolder()
    await writeJob()
  })
  afterEach(async () => {
    await proxy.close()
    await server.close()
  })

  async function writeJob(more = '', sync = '    sync: history\n'): Promise<void> {
    const account = server.accountYaml.replace(
      `api_url: ${server.url}`,
      `api_url: ${proxy.url}\n    units_per_minute: 1000000`,
    )
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      `accounts:\n${account}jobs:\n  ${JOB}:\n    account: acct1\n${sync}${more}`,
    )
  }
  const passOn = async (): Promise<void> => {
    await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
  }
  const run = async (...args: readonly string[]): Promise<CliResult> =>
    lorchestra(['run', JOB, ...args], {cwd: folder, env: server.env, home: await homeOfTest()})
  const start = async (): Promise<RunningCli> =>
    startLorchestra(['run', JOB], {cwd: folder, env: server.env, home: await homeOfTest()})
  const succeed = async (...args: readonly string[]): Promise<CliResult> => {
    const result = await run(...args)
    expect(result.code, result.stderr).to.equal(0)
    return result
  }
  const database = (): string => join(folder, 'lorchestra.duckdb')
  const labelsOf = async (id: string): Promise<unknown> => {
    const [row] = await query(
      database(),
      `SELECT payload->>'$.labelIds' AS labels FROM raw_objects WHERE external_id = '${id}'`,
    )
    return row === undefined ? undefined : (JSON.parse(String(row['labels'])) as unknown)
  }
  const ids = async (): Promise<readonly unknown[]> =>
    (await query(database(), 'SELECT external_id FROM raw_objects')).map((row) => row['external_id'])
  const deletions = async (): Promise<readonly unknown[]> =>
    (await events(database(), 'object.deleted')).map((event) => event['idem_key'])

  it('takes up what was deleted, relabelled and added between two runs, and fetches nothing else', async () => {
    await passOn()
    await succeed()
    expect(await ids()).to.have.length(visible.length)
    await server.remove(first.id)
    await server.relabel(second.id, {add: ['STARRED'], remove: ['INBOX']})
    const added = await server.add({...third, received: new Date()})
    fetched = []
    const {stdout} = await succeed()
    expect(stdout).to.contain('2 extracted, 1 inserted, 1 updated')
    expect(fetched).to.have.members([second.id, added])
    expect(await deletions()).to.deep.equal([`email:gmail--acct1:${first.id}`])
    expect(await ids(), 'the row of a deleted message stays').to.include.members([first.id, added])
    expect(await labelsOf(second.id))
      .to.include('STARRED')
      .and.not.to.include('INBOX')
  })

  it('records a deletion once, and finds nothing where nothing happened', async () => {
    await passOn()
    await succeed()
    await server.remove(first.id)
    await succeed()
    fetched = []
    const {stdout} = await succeed()
    expect(stdout).to.contain(' 0 extracted')
    expect(fetched).to.deep.equal([])
    expect(await deletions()).to.have.length(1)
  })

  it('sees what happened while the first run was reading', async () => {
    let relabelled = false
    await proxy.rules.forGet(/messages\/\w/).thenCallback(async (request) => {
      const answer = await passTo(server.url)(request)
      if (!relabelled && request.url.includes(`/${first.id}?format=full`)) {
        relabelled = true
        await server.relabel(first.id, {add: ['STARRED']})
      }
      return answer
    })
    await passOn()
    await succeed()
    expect(await labelsOf(first.id)).not.to.include('STARRED')
    await succeed()
    expect(await labelsOf(first.id)).to.include('STARRED')
  })

  it('has what came before the first run, also where the clock of Gmail is ahead', async () => {
    await passOn()
    const added = await server.add({...third, received: new Date(Date.now() + 45_000)})
    await succeed()
    await succeed()
    expect(await ids()).to.include(added)
  })

  it('coalesces what happens to one message: the last change wins', async () => {
    await passOn()
    await succeed()
    for (const label of ['STARRED', 'IMPORTANT']) await server.relabel(first.id, {add: [label]})
    await server.relabel(second.id, {add: ['STARRED']})
    await server.remove(second.id)
    const gone = await server.add({...third, received: new Date()})
    await server.remove(gone)
    fetched = []
    const {stdout} = await succeed()
    expect(stdout).to.contain('1 extracted, 0 inserted, 1 updated')
    expect(fetched).to.include(first.id).and.to.have.length(1)
    expect(await labelsOf(first.id)).to.include.members(['STARRED', 'IMPORTANT'])
    expect(await deletions(), 'what was never stored was not deleted').to.deep.equal([
      `email:gmail--acct1:${second.id}`,
    ])
  })

  it('keeps out what is in spam or trash, but sees stored messages go there and others come back', async () => {
    await passOn()
    await succeed()
    const spam = await server.add({...third, received: new Date(), labels: ['SPAM']})
    await server.relabel(first.id, {add: ['TRASH'], remove: ['INBOX']})
    await succeed()
    expect(await ids()).not.to.include(spam)
    expect(await labelsOf(first.id)).to.include('TRASH')
    await server.relabel(spam, {add: ['UNREAD']})
    await succeed()
    expect(await ids()).not.to.include(spam)
    await server.relabel(spam, {add: ['INBOX'], remove: ['SPAM']})
    await succeed()
    expect(await ids()).to.include(spam)
  })

  it('leaves alone what lies before start:', async () => {
    await passOn()
    await writeJob(`    start: ${third.received.toISOString()}\n`)
    await succeed()
    await server.relabel(first.id, {add: ['STARRED']})
    await server.remove(second.id)
    await server.relabel(third.id, {add: ['STARRED']})
    await succeed()
    expect(await ids()).not.to.include(first.id)
    expect(await deletions()).to.deep.equal([])
    expect(await labelsOf(third.id)).to.include('STARRED')
  })

  it('leaves out old mail from before start: that is imported later', async () => {
    await passOn()
    await writeJob(`    start: ${third.received.toISOString()}\n`)
    await succeed()
    const old = await server.add({...first, received: new Date(third.received.getTime() - 86_400_000)})
    const wanted = await server.add({...first, received: new Date(third.received.getTime() + 1000)})
    expect((await succeed()).stdout).to.contain('1 extracted, 1 inserted')
    expect(await ids())
      .to.include(wanted)
      .and.not.to.include(old)
  })

  it('reads the window where Gmail has forgotten the history, says so, and goes on from the new one', async () => {
    const expired = {error: {code: 404, errors: [{reason: 'notFound'}], message: 'Requested entity was not found.'}}
    let historyCalls = 0
    await proxy.rules.forGet(HISTORY).thenCallback(async (request) => {
      historyCalls += 1
      // The local server has no profile, so each run's first call asks for its bookmark; then it is asked whether it can go on.
      return historyCalls === 3 ? {statusCode: 404, json: expired} : passTo(server.url)(request)
    })
    await passOn()
    await succeed()
    await server.remove(first.id)
    const added = await server.add({...third, received: new Date()})
    const {stdout, stderr} = await succeed()
    expect(stderr).to.contain('Gmail no longer has the history').and.to.contain('--full --refetch')
    expect(stdout).to.contain('1 inserted')
    expect(await ids()).to.include(added)
    expect(await deletions()).to.deep.equal([])
    await server.remove(second.id)
    const next = await succeed()
    expect(next.stderr).to.equal('')
    expect(await deletions()).to.deep.equal([`email:gmail--acct1:${second.id}`])
  })

  const searches = async (): Promise<Set<string>> => {
    const asked = new Set<string>()
    await proxy.rules.on('request', ({url}) => {
      const search = new URL(url).searchParams.get('q')
      if (search !== null) asked.add(search)
    })
    return asked
  }

  it('reads that window in slices, as any other', async () => {
    const expired = {error: {code: 404, errors: [{reason: 'notFound'}], message: 'Requested entity was not found.'}}
    let forgotten = false
    await proxy.rules.forGet(HISTORY).thenCallback(async (request) => {
      return forgotten ? {statusCode: 404, json: expired} : passTo(server.url)(request)
    })
    await proxy.rules
      .forGet('/gmail/v1/users/me/profile')
      .thenJson(200, {emailAddress: 'ada@example.com', historyId: '1'})
    await passOn()
    await succeed()
    forgotten = true
    await writeJob('    slice: 6h\n')
    const asked = await searches()
    await succeed()
    expect(asked.size, 'of an overlap of 48 hours').to.be.at.least(4)
  })

  it('is read by windows and slices again when the history is not wanted any more', async () => {
    await passOn()
    await succeed()
    await writeJob('    slice: 6h\n', '')
    const added = await server.add({...third, received: new Date()})
    const asked = await searches()
    expect((await succeed()).stderr).to.equal('')
    expect(await ids()).to.include(added)
    expect(asked.size, 'of an overlap of 48 hours').to.be.at.least(4)
  })

  it('goes on from the bookmark of the last commit after a run that was killed', async () => {
    let hold = false
    await proxy.rules.forGet(/messages\/\w/).thenCallback(async (request) => {
      if (hold && request.url.includes('format=full')) return new Promise(() => undefined)
      return passTo(server.url)(request)
    })
    await passOn()
    await succeed()
    await server.remove(first.id)
    await server.relabel(second.id, {add: ['STARRED']})
    hold = true
    const running = await start()
    const asked = new Promise<void>((resolve) => {
      void proxy.rules.on('request', ({url}) => {
        if (url.includes(`${second.id}?format=full`)) resolve()
      })
    })
    await asked
    running.process.kill('SIGKILL')
    await running.result
    expect(await deletions()).to.deep.equal([])
    hold = false
    await succeed()
    expect(await deletions()).to.deep.equal([`email:gmail--acct1:${first.id}`])
    expect(await labelsOf(second.id)).to.include('STARRED')
  })

  it('keeps each run out of the other modes’ bookmarks', async () => {
    await passOn()
    await succeed()
    await server.remove(first.id)
    await succeed('--test-table')
    const dry = await succeed('--dry-run')
    expect(dry.stdout).to.contain('0 extracted')
    expect(await deletions()).to.deep.equal([])
    await succeed()
    expect(await deletions()).to.have.length(1)
  })

  it('can be switched on for a job that has run without', async () => {
    await passOn()
    await writeJob('', '')
    await succeed()
    await writeJob()
    await succeed()
    await server.remove(first.id)
    await succeed()
    expect(await deletions()).to.have.length(1)
  })

  it('asks for the four types in the singular, as Google wants them', async () => {
    const asked: string[][] = []
    await proxy.rules.forGet(HISTORY).thenCallback(async (request) => {
      asked.push(new URL(request.url).searchParams.getAll('historyTypes'))
      return passTo(server.url)(request)
    })
    await passOn()
    await succeed()
    await succeed()
    for (const types of asked)
      expect(types).to.deep.equal(['messageAdded', 'messageDeleted', 'labelAdded', 'labelRemoved'])
    expect(asked).not.to.be.empty
  })
})
