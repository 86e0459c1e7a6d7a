import {expect} from 'chai'

import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox, type MailboxMessage} from '../../../test/support/mailbox.ts'
import {messageOf} from '../../../test/support/message-of.ts'
import {options as schema} from '../src/options.ts'
import {reading} from './reading.ts'

const HISTORY = '/gmail/v1/users/me/history'

describe('sync: history', () => {
  it('refuses what would narrow it', () => {
    const input = {client_id: 'id', client_secret: 'secret', sync: 'history'}
    for (const narrow of [{query: 'from:ada'}, {labels: ['INBOX']}])
      expect(schema.safeParse({...input, ...narrow}).error?.issues[0]?.path).to.deep.equal(Object.keys(narrow))
    expect(schema.safeParse(input).success).to.equal(true)
  })
})

describe('Odd answers for the history', () => {
  const box = mailbox(40, {now: new Date('2026-03-01T12:00:00Z')})
  const [first] = box.filter(({labels}) => !labels.includes('SPAM') && !labels.includes('TRASH')) as [MailboxMessage]
  let server: GmailServer
  let proxy: FaultProxy

  beforeEach(async () => {
    server = await startGmailServer(box)
    proxy = await startFaultProxy()
  })
  afterEach(async () => {
    await proxy.close()
    await server.close()
  })

  const passOn = async (): Promise<void> => {
    await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
  }
  const since = (bookmark: string, stored: readonly string[] = []) => {
    const read = reading(server, {
      options: {api_url: proxy.url, sync: 'history'},
      known: (keys) => Promise.resolve(keys.filter((key) => stored.includes(key))),
    })
    return {...read, all: async () => read.all({bookmark})}
  }

  it('ends where Gmail repeats a page', async () => {
    await proxy.rules.forGet(HISTORY).thenJson(200, {historyId: '9', nextPageToken: 'again'})
    await passOn()
    expect(await messageOf(since('5').all())).to.contain('the same page of the history twice')
  })

  it('takes an empty page for no end, and a missing history for no change', async () => {
    await proxy.rules.forGet(HISTORY).once().thenJson(200, {historyId: '9', nextPageToken: 'more'})
    await proxy.rules
      .forGet(HISTORY)
      .once()
      .thenJson(200, {historyId: '9', history: [{id: '8', labelsAdded: [{message: {id: first.id}}]}]})
    await proxy.rules.forGet(HISTORY).once().thenJson(200, {historyId: '9'})
    await passOn()
    const records = await since('5', [`email:gmail--acct1:${first.id}`]).all()
    expect(records.map(({id}) => id)).to.deep.equal([first.id])
    expect(await since('9').all()).to.deep.equal([])
  })

  for (const [name, status, body] of [
    ['a 404 that is not Gmail’s', 404, {message: 'no route'}],
    ['no historyId', 200, {history: []}],
    ['a historyId that is a number', 200, {historyId: 9}],
    ['a history that is no list', 200, {historyId: '9', history: {}}],
    ['a message without id', 200, {historyId: '9', history: [{messagesAdded: [{message: {}}]}]}],
  ] as const) {
    it(`does not go on with ${name}`, async () => {
      await proxy.rules.forGet(HISTORY).thenJson(status, body)
      await passOn()
      expect(await messageOf(since('5').all())).to.contain('check that api_url is the Gmail API')
    })
  }

  it('holds no more than a part of a very long history at once, and misses none of it', async () => {
    const pages = 120
    const asked: string[] = []
    await proxy.rules.forGet(HISTORY).thenCallback(({url}) => {
      const {searchParams} = new URL(url)
      const page = Number(searchParams.get('pageToken') ?? Number(searchParams.get('startHistoryId')) / 500)
      asked.push(searchParams.has('pageToken') ? 'page' : `from ${searchParams.get('startHistoryId')}`)
      const history = Array.from({length: 500}, (_, index) => ({
        id: String(page * 500 + index + 1),
        labelsAdded: [{message: {id: `m${page * 500 + index}`}}],
      }))
      const next = page + 1 < pages ? {nextPageToken: String(page + 1)} : {}
      return {statusCode: 200, json: {historyId: '60000', history, ...next}}
    })
    const looked: number[] = []
    const read = reading(server, {
      options: {api_url: proxy.url, sync: 'history'},
      known: (keys) => {
        looked.push(keys.length)
        return Promise.resolve([])
      },
    })
    expect(await read.all({bookmark: '0'})).to.deep.equal([])
    expect(asked.filter((from) => from !== 'page')).to.deep.equal(['from 0', 'from 50000'])
    expect(looked).to.deep.equal([50_000, 10_000])
  })
})
