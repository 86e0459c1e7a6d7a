import {resolve} from 'node:path'

import {conformanceTests} from 'lorchestra/testing'

import source from '../src/source.ts'
import {startApi, type ApiRequest} from './api-server.ts'

const FIRST = Date.parse('2024-01-01T00:00:00Z')
const MINUTE = 60_000
const SIZE = 25

const common = {auth: {type: 'bearer', token: 'a-token-of-the-api'}, object: 'ticket', path: '/tickets', key: 'id'}

const ticketsOf = (count: number, size: number) =>
  Array.from({length: count}, (_, index) => ({
    id: index + 1,
    updated_at: new Date(FIRST + index * MINUTE).toISOString(),
    text: 'x'.repeat(size),
  }))

type Ticket = ReturnType<typeof ticketsOf>[number]

const within = ({query}: ApiRequest, tickets: readonly Ticket[]): readonly Ticket[] =>
  tickets.filter(
    ({updated_at: time}) =>
      Date.parse(time) > Date.parse(query.get('after') ?? '1970-01-01') &&
      Date.parse(time) <= Date.parse(query.get('before') ?? '2100-01-01'),
  )

const service =
  (options: object, answer: (request: ApiRequest, tickets: readonly Ticket[], url: string) => unknown) =>
  async ({records, size}: {readonly records: number; readonly size: number}) => {
    const tickets = ticketsOf(records, size)
    const api = await startApi((request, url) => ({body: answer(request, tickets, url)}))
    return {
      url: api.url,
      options: (url: string) => ({...common, ...options, base_url: url}),
      close: async () => api.close(),
    }
  }

describe('the rest source, with windows and cursors', () => {
  const tests = conformanceTests({
    source,
    package: resolve(import.meta.dirname, '..'),
    service: service(
      {
        records: 'data',
        window: {since: 'after', until: 'before', format: 'iso-seconds', field: 'updated_at'},
        pages: {by: 'cursor', path: 'next', param: 'cursor', size: SIZE, size_param: 'limit'},
        total: 'total',
      },
      (request, tickets) => {
        const all = within(request, tickets)
        const from = Number(request.query.get('cursor') ?? 0)
        const next = from + Number(request.query.get('limit'))
        return {data: all.slice(from, next), next: next < all.length ? String(next) : null, total: all.length}
      },
    ),
    timeOf: ({updated_at: time}) => new Date(String(time)),
  })
  for (const {rule, test} of tests) it(rule, test)
})

describe('the rest source, with checkpoints in a list at the root', () => {
  const tests = conformanceTests({
    source,
    package: resolve(import.meta.dirname, '..'),
    service: service(
      {records: '', pages: {by: 'cursor', last: 'id', param: 'after_id', size: SIZE}},
      ({query}, tickets) => tickets.slice(Number(query.get('after_id') ?? 0)).slice(0, SIZE),
    ),
  })
  for (const {rule, test} of tests) it(rule, test)
})
