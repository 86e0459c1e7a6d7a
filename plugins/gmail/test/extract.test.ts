import {expect} from 'chai'
import {useFakeTimers} from 'sinon'

import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox, type MailboxMessage} from '../../../test/support/mailbox.ts'
import {messageOf} from '../../../test/support/message-of.ts'
import source from '../src/source.ts'
import {isBalanced, reading, type ReadingOptions} from './reading.ts'

const now = new Date('2026-03-01T12:00:00Z')
const path = '/gmail/v1/users/me/messages'
const newestFirst = (messages: readonly MailboxMessage[]): string[] => messages.map(({id}) => id).toReversed()

describe('reading Gmail', () => {
  const box = mailbox(240, {now})
  const visible = box.filter(({labels}) => !labels.includes('SPAM') && !labels.includes('TRASH'))
  let server: GmailServer

  before(async () => {
    server = await startGmailServer(box)
  })
  after(async () => {
    await server.close()
  })

  it('brings every message once, in the order of the list, with its own time', async () => {
    const run = reading(server)
    const records = await run.all()
    expect(records.map(({id}) => id)).to.deep.equal(newestFirst(visible))
    const times = new Map(box.map(({id, received}) => [id, String(received.getTime())]))
    for (const {id, internalDate, historyId, payload} of records) {
      expect(internalDate).to.equal(times.get(id as string))
      expect(historyId).to.be.a('string')
      expect(payload).to.be.an('object')
    }
    expect(run.counts.listed).to.equal(visible.length)
    expect(isBalanced(run)).to.equal(true)
  })

  it('brings spam and trash only where the option says so', async () => {
    const records = await reading(server, {options: {include_spam_trash: true}}).all()
    expect(records.map(({id}) => id)).to.deep.equal(newestFirst(box))
  })

  it('brings exactly the messages of the slice, to the millisecond', async () => {
    const [first, last] = [visible[40], visible[60]] as [MailboxMessage, MailboxMessage]
    const run = reading(server, {window: {since: first.received, until: last.received}})
    const records = await run.all()
    expect(records.map(({id}) => id)).to.deep.equal(newestFirst(visible.slice(40, 60)))
    expect(run.counts.outside).to.equal(1)
    expect(isBalanced(run)).to.equal(true)
  })

  it('misses nothing between two slices, wherever the cut lies', async () => {
    for (const offset of [-1000, -1, 0, 1, 999]) {
      const cut = new Date((visible[100]?.received.getTime() ?? 0) + offset)
      const older = await reading(server, {window: {until: cut}}).all()
      const newer = await reading(server, {window: {since: cut}}).all()
      expect([...newer, ...older].map(({id}) => id)).to.deep.equal(newestFirst(visible))
    }
  })

  it('narrows to the query, and to the slice within it', async () => {
    const since = new Date('2022-01-01T00:00:00Z')
    const run = reading(server, {options: {query: 'subject:roadmap'}, window: {since}})
    const wanted = visible.filter(
      ({raw, received}) => /^Subject: (Re: )?Roadmap/m.test(raw.toString()) && received >= since,
    )
    expect(wanted).not.to.be.empty
    expect((await run.all()).map(({id}) => id)).to.deep.equal(newestFirst(wanted))
  })

  describe('with a message of the future', () => {
    const dated = (id: string, received: string): MailboxMessage => ({
      ...(visible[0] as MailboxMessage),
      id,
      received: new Date(received),
    })
    const in2099 = dated('in-2099', '2099-01-01T00:00:00Z')
    let other: GmailServer

    before(async () => {
      other = await startGmailServer([...visible.slice(0, 3), in2099])
    })
    after(async () => {
      await other.close()
    })

    it('brings it with what is read from the very first record', async () => {
      const run = reading(other)
      expect((await run.all()).map(({id}) => id))
        .to.include(in2099.id)
        .and.to.have.length(4)
      expect(isBalanced(run)).to.equal(true)
    })

    it('brings it with each slice that ends in the present, and fetches it once', async () => {
      const since = new Date(Date.now() - 60_000)
      expect((await reading(other, {window: {since}}).all()).map(({id}) => id)).to.deep.equal([in2099.id])
      const again = reading(other, {window: {since}, known: (keys) => Promise.resolve(keys)})
      expect(await again.all()).to.deep.equal([])
      expect(again.counts).to.include({listed: 1, known: 1})
      const past = reading(other, {window: {since: new Date('2026-01-01'), until: new Date('2026-01-31')}})
      expect(await past.all()).to.deep.equal([])
    })

    it('brings it also with the last slice of a run that takes more than a day', async () => {
      const until = new Date()
      const since = new Date(until.getTime() - 60_000)
      for (const sync of ['window', 'history'] as const) {
        const run = reading(other, {options: {sync}, window: {since, until}})
        const past = {since: new Date('2026-01-01'), until: new Date('2026-01-31')}
        expect(await run.all({window: past})).to.deep.equal([])
        const clock = useFakeTimers({toFake: ['Date'], now: until.getTime() + 25 * 3_600_000})
        try {
          expect(
            (await run.all()).map(({id}) => id),
            sync,
          ).to.deep.equal([in2099.id])
        } finally {
          clock.restore()
        }
      }
    })
  })

  it('reads an empty slice without complaint', async () => {
    const run = reading(server, {window: {until: new Date('2004-05-01T00:00:00Z')}})
    expect(await run.all()).to.deep.equal([])
    expect(run.pages).to.deep.equal([])
  })

  it('follows a long list to its end, in pages of 500 at most', async () => {
    const large = mailbox(1100, {now, seed: 'large'})
    const other = await startGmailServer(large)
    try {
      const run = reading(other, {options: {include_spam_trash: true, concurrency: 10}})
      expect((await run.all()).map(({id}) => id)).to.deep.equal(newestFirst(large))
      expect(run.counts.listed).to.equal(1100)
    } finally {
      await other.close()
    }
  })

  it('brings every byte of a message where the format is raw, and headers alone where it is metadata', async () => {
    const raw = await reading(server, {options: {format: 'raw'}}).all()
    expect(raw.map((record) => record['raw'])).to.deep.equal(
      visible.map((message) => message.raw.toString('base64url')).toReversed(),
    )
    for (const {payload} of await reading(server, {options: {format: 'metadata'}}).all()) {
      expect(payload).to.have.property('headers')
      expect(JSON.stringify(payload)).not.to.contain('"data"')
    }
  })

  it('brings only messages that carry all labels of the option, by name or id', async () => {
    const sent = visible.filter(({labels}) => labels.includes('SENT'))
    for (const name of ['SENT', 'sent'])
      expect((await reading(server, {options: {labels: [name]}}).all()).map(({id}) => id)).to.deep.equal(
        newestFirst(sent),
      )
    expect(await reading(server, {options: {labels: ['SENT', 'INBOX']}}).all()).to.deep.equal([])
  })

  it('names the labels that there are where one is misspelt', async () => {
    const message = await messageOf(reading(server, {options: {labels: ['SENTT']}}).all())
    expect(message).to.match(/no label "SENTT".*there is .*SENT/)
  })

  it('counts what there is to fetch without fetching it', async () => {
    const stored = new Set(visible.slice(0, 20).map(({id}) => `email:gmail--acct1:${id}`))
    const run = reading(server, {known: (keys) => Promise.resolve(keys.filter((key) => stored.has(key)))})
    const records = visible.length - 20
    expect(await source.estimate?.(run.context)).to.deep.equal({records, units: records * 20 + 5})
    expect(run.counts.listed).to.equal(0)
  })

  describe('with faults in between', () => {
    let proxy: FaultProxy

    beforeEach(async () => {
      proxy = await startFaultProxy()
    })
    afterEach(async () => {
      await proxy.close()
    })

    const through = (settings: ReadingOptions = {}) =>
      reading(server, {...settings, options: {api_url: proxy.url, ...settings.options}})
    const passOn = async (): Promise<void> => {
      await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
    }
    const gets = (): string[] => proxy.requests.filter((request) => request.startsWith(`GET ${path}/`))

    it('fetches no message that is stored already', async () => {
      await passOn()
      const stored = new Set(
        newestFirst(visible)
          .slice(0, 200)
          .map((id) => `email:gmail--acct1:${id}`),
      )
      const run = through({known: (keys) => Promise.resolve(keys.filter((key) => stored.has(key)))})
      expect((await run.all()).map(({id}) => id)).to.deep.equal(newestFirst(visible).slice(200))
      expect(gets()).to.have.length(visible.length - 200)
      expect(isBalanced(run)).to.equal(true)
    })

    it('counts a message that goes away between list and fetch', async () => {
      const id = await server.add({...(box[0] as MailboxMessage), received: now})
      const run = reading(server, {
        known: async () => {
          await server.remove(id)
          return []
        },
      })
      expect((await run.all()).map((record) => record['id'])).to.deep.equal(newestFirst(visible))
      expect(run.counts.gone).to.equal(1)
      expect(isBalanced(run)).to.equal(true)
    })

    it('does not take every 404 for a message that is gone', async () => {
      await proxy.rules.forGet(`${path}/${visible[7]?.id}`).thenJson(404, {message: 'no route'})
      await passOn()
      expect(await messageOf(through().all())).to.contain('answered 404, but not as Gmail does')
    })

    it('loses nothing to one 503, one 429 and one broken connection among many', async () => {
      await proxy.rules.forGet(`${path}/${visible[5]?.id}`).once().thenReply(503)
      await proxy.rules.forGet(`${path}/${visible[9]?.id}`).once().thenReply(429, '', {'retry-after': '0'})
      await proxy.rules.forGet(`${path}/${visible[11]?.id}`).once().thenResetConnection()
      await passOn()
      const run = through()
      expect((await run.all()).map(({id}) => id)).to.deep.equal(newestFirst(visible))
      expect(gets()).to.have.length(visible.length + 3)
    })

    it("waits and goes on after Gmail's rate limits", async () => {
      for (const reason of ['rateLimitExceeded', 'userRateLimitExceeded'])
        await proxy.rules
          .forGet(`${path}/${visible[5]?.id}`)
          .once()
          .thenJson(403, {error: {errors: [{reason}]}})
      await passOn()
      expect(await through().all()).to.have.length(visible.length)
    })

    it('stops at the limit of the day and says when to go on', async () => {
      await proxy.rules.forGet(path).thenJson(403, {error: {errors: [{reason: 'dailyLimitExceeded'}]}})
      expect(await messageOf(through().all())).to.contain('Run the same command again tomorrow')
      expect(proxy.requests).to.have.length(1)
    })

    it('says how to go on when Gmail stays too busy', async () => {
      await proxy.rules.forGet(path).thenReply(503)
      expect(await messageOf(through().all())).to.contain('Run the same command again later')
    })

    it('ends with the first error and leaves nothing running', async () => {
      const unhandled: unknown[] = []
      const note = (error: unknown): void => void unhandled.push(error)
      process.on('unhandledRejection', note)
      const [slow, broken] = [newestFirst(visible)[4], newestFirst(visible)[6]]
      let fail: () => void
      const failed = new Promise<void>((resolve) => (fail = resolve))
      await proxy.rules.forGet(`${path}/${slow}`).thenCallback(async () => {
        await failed
        return {statusCode: 503}
      })
      await proxy.rules.forGet(`${path}/${broken}`).thenCallback(() => {
        fail()
        return {statusCode: 400, json: {error: {message: 'broken'}}}
      })
      await passOn()
      try {
        expect(await messageOf(through().all())).to.contain('answered 400 broken')
        const seen = proxy.requests.length
        expect(seen).to.be.below(25)
        expect(gets().filter((request) => request.endsWith(`/${slow}`)).length).to.be.below(8)
        await new Promise(setImmediate)
        expect(proxy.requests).to.have.length(seen)
        expect(unhandled).to.deep.equal([])
      } finally {
        process.off('unhandledRejection', note)
      }
    })

    it('stops when the run is aborted', async () => {
      const run = new AbortController()
      await proxy.rules.forGet(`${path}/${visible[50]?.id}`).thenTimeout()
      await passOn()
      await proxy.rules.on('request-initiated', ({url}) => {
        if (url.includes(visible[50]?.id ?? '-')) run.abort(new Error('stopped by the user'))
      })
      expect(await messageOf(through({signal: run.signal, options: {concurrency: 1}}).all())).to.equal(
        'stopped by the user',
      )
    })

    it('fetches as many messages at once as the option says, and no more', async () => {
      const run = reading(server)
      const {http} = run.context
      let inFlight = 0
      let most = 0
      const counting = async (request: Parameters<typeof http.request>[0]) => {
        inFlight += 1
        most = Math.max(most, inFlight)
        try {
          return await http.request(request)
        } finally {
          inFlight -= 1
        }
      }
      const counted = reading(server, {options: {concurrency: 3}, http: {request: counting}})
      await counted.all()
      expect(most).to.equal(3)
    })

    it('brings a message that is dated before 1970', async () => {
      const id = visible[3]?.id ?? ''
      await proxy.rules.forGet(`${path}/${id}`).thenJson(200, {id, internalDate: '-14182980000'})
      await passOn()
      const run = through()
      expect((await run.all()).map((record) => record['id'])).to.include(id)
      expect(run.rejected).to.deep.equal([])
    })

    it('rejects a message without a usable time, and reads the others', async () => {
      const [one, other] = [visible[3]?.id, visible[4]?.id]
      await proxy.rules.forGet(`${path}/${one}`).thenJson(200, {id: one ?? ''})
      await proxy.rules.forGet(`${path}/${other}`).thenJson(200, {id: other ?? '', internalDate: 'yesterday'})
      await passOn()
      const run = through()
      expect(await run.all()).to.have.length(visible.length - 2)
      expect(run.rejected).to.have.members([one, other].map((id) => `${id}: the message has no usable internalDate`))
      expect(isBalanced(run)).to.equal(true)
    })

    it('stops where the clock of this machine is ahead, before anything would be covered too early', async () => {
      const yesterday = new Date(Date.now() - 86_400_000)
      await proxy.rules.forGet(path).thenJson(200, {resultSizeEstimate: 0}, {date: yesterday.toUTCString()})
      const message = await messageOf(through({window: {until: new Date()}}).all())
      expect(message).to.contain('Set the clock of this machine')
    })

    it('does not take another answer for a message', async () => {
      await proxy.rules.forGet(`${path}/${visible[3]?.id}`).thenJson(200, {status: 'ok'})
      await passOn()
      expect(await messageOf(through().all())).to.contain('the answer is not that message')
    })

    it('rejects a message that is too large to be fetched, and reads the others', async () => {
      const large = visible[3]?.id
      const asked = (format: string) => proxy.rules.forGet(`${path}/${large}`).withQuery({format})
      await asked('full').thenJson(200, {id: large ?? '', text: 'x'.repeat(3_000_000)})
      await asked('minimal').thenJson(200, {id: large ?? '', sizeEstimate: 2_345_678})
      await passOn()
      const run = through({options: {max_message_bytes: 2_000_000}})
      expect(await run.all()).to.have.length(visible.length - 1)
      expect(run.rejected).to.deep.equal([
        `${large}: the message, by Gmail's estimate 2345678 bytes of mail, is larger than 2000000 bytes as JSON; raise max_message_bytes, or leave attachments out with format: full`,
      ])
      expect(isBalanced(run)).to.equal(true)
    })

    it('does not follow a list in circles', async () => {
      const page = {messages: [], nextPageToken: 'again', resultSizeEstimate: 1}
      await proxy.rules.forGet(path).thenJson(200, page)
      expect(await messageOf(through().all())).to.contain('the same page of messages twice')
      expect(proxy.requests).to.have.length(2)
    })

    it('goes on where a page of the list is empty', async () => {
      await proxy.rules.forGet(path).once().thenJson(200, {nextPageToken: '0'})
      await passOn()
      expect(await through().all()).to.have.length(visible.length)
    })

    for (const [name, body] of Object.entries({
      'an empty object': {},
      'no list': {messages: 'none'},
      'no id': {messages: [{threadId: '1'}]},
      'an id that is a number': {messages: [{id: 1}]},
      'an odd page token': {messages: [], nextPageToken: 7},
    })) {
      it(`does not take a list with ${name} for an empty mailbox`, async () => {
        await proxy.rules.forGet(path).thenJson(200, body)
        expect(await messageOf(through().all())).to.contain('check that api_url is the Gmail API')
      })
    }

    it('does not take a page of HTML for an empty mailbox', async () => {
      await proxy.rules.forGet(path).thenReply(200, '<html></html>', {'content-type': 'text/html'})
      expect(await messageOf(through().all())).to.contain('not a JSON object')
    })
  })
})
