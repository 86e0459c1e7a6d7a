import {resolve} from 'node:path'

import {conformanceTests} from 'lorchestra/testing'

import {startGmailServer} from '../../../test/support/gmail-server.ts'
import source from '../src/source.ts'

const FIRST = Date.parse('2024-01-01T00:00:00Z')
const MINUTE = 60_000

const messageOf = (number: number, size: number) => ({
  id: `1${number.toString(16).padStart(15, '0')}`,
  threadId: `1${number.toString(16).padStart(15, '0')}`,
  received: new Date(FIRST + number * MINUTE),
  labels: ['INBOX'],
  raw: Buffer.from(`From: a@example.com\r\nTo: b@example.com\r\nSubject: ${number}\r\n\r\n${'x'.repeat(size * 0.72)}`),
})

describe('the Gmail source', () => {
  const tests = conformanceTests({
    source,
    package: resolve(import.meta.dirname, '..'),
    service: async ({records, size}) => {
      const server = await startGmailServer(Array.from({length: records}, (_, number) => messageOf(number, size)))
      return {
        url: server.url,
        options: (url) => ({
          client_id: server.clientId,
          client_secret: server.clientSecret,
          refresh_token: server.refreshToken,
          api_url: url,
          token_url: server.tokenUrl.replace(server.url, url),
          concurrency: 10,
          units_per_minute: 1_000_000,
        }),
        close: async () => server.close(),
      }
    },
    large: {records: 1500, size: 13_000},
    timeOf: ({internalDate}) => new Date(Number(internalDate)),
  })
  for (const {rule, test} of tests) it(rule, test)
})
