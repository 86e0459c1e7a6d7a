import {Duplex, PassThrough} from 'node:stream'

import {expect} from 'chai'

import {Channel} from '../../src/sources/box/channel.ts'

const nobody = (): never => {
  throw new Error('nobody asks')
}

describe('who asks a box', () => {
  it('hears why it is gone, also when that is not known yet', async () => {
    const incoming = new PassThrough()
    const stream = Duplex.from({readable: incoming, writable: new PassThrough()})
    const ended = new Promise<void>((resolve) => {
      const channel: Channel = new Channel(stream, {
        call: nobody,
        tell: nobody,
        records: nobody,
        toMessage: nobody,
        fromMessage: nobody,
        closed: () => {
          const asked = channel.call('next')
          expect(channel.pendingCalls).to.equal(1)
          channel.fail(new Error('it was killed'))
          resolve(asked.then(nobody, (error: Error) => expect(error.message).to.equal('it was killed')) as never)
        },
      })
    })
    incoming.end()
    await ended
  })
})
