import {expect} from 'chai'

import {attempt} from '../../../src/sources/http/attempt.ts'
import {startFaultProxy} from '../../support/fault-proxy.ts'

describe('a request', () => {
  it('may be left any part of a millisecond', async () => {
    const server = await startFaultProxy()
    try {
      await server.rules.forGet('/').thenJson(200, {fine: true})
      const outcome = await attempt({
        url: new URL(server.url),
        method: 'GET',
        request: {url: server.url},
        authorization: undefined,
        signal: new AbortController().signal,
        timeLeft: 9999.5,
      })
      expect(outcome).to.include({status: 200})
    } finally {
      await server.close()
    }
  })
})
