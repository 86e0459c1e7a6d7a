import type {JsonObject} from '../../src/source.ts'
import type {DataverseServer} from './dataverse-server.ts'
import {passTo, startFaultProxy, type FaultProxy} from './fault-proxy.ts'

const ROWS = '/api/data/v9.2/contacts'
const PAGE = 2

/**
 * A stub of ours, because no server at hand tracks changes: it stands before the OData server, notes what is changed
 * through it, and answers as Dataverse's documentation says. Everything but the links to changes is the real server's.
 */
export interface ChangeTrackingStub extends Pick<DataverseServer, 'insert' | 'update' | 'remove'> {
  readonly url: string
  /** Addresses that were asked for, with their query. */
  readonly asked: readonly string[]
  /** Links that were given so far are too old from now on. */
  expire(): void
  close(): Promise<void>
}

interface Change {
  readonly id: string
  readonly deleted: boolean
}

export async function startChangeTrackingStub(server: DataverseServer): Promise<ChangeTrackingStub> {
  const proxy: FaultProxy = await startFaultProxy()
  const changes: Change[] = []
  const asked: string[] = []
  let oldest = 0
  /** Links are of the address that was asked. */
  const linksOf =
    (host: string | undefined) =>
    (parameters: Readonly<Record<string, string | number>>): string => {
      const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      return `http://${host ?? ''}${ROWS}?${query.join('&')}`
    }
  const rowOf = async ({id, deleted}: Change, select: string): Promise<JsonObject> => {
    const context = `${proxy.url}/$metadata#contacts`
    const response = await fetch(`${server.url}${ROWS}(${id})${select === '' ? '' : `?$select=${select}`}`)
    // It may have been deleted since.
    if (deleted || response.status === 404)
      return {'@odata.context': `${context}/$deletedEntity`, id, reason: 'deleted'}
    return {...((await response.json()) as JsonObject), '@odata.context': `${context}/$entity`}
  }

  await proxy.rules.forGet(ROWS).thenCallback(async (request) => {
    asked.push(request.path)
    const {searchParams} = new URL(request.url)
    const linkTo = linksOf(request.headers['host'])
    const select = searchParams.get('$select') ?? ''
    const token = searchParams.get('$deltatoken')
    if (token !== null) {
      const since = Number(token)
      if (!Number.isInteger(since) || since < oldest)
        return {
          statusCode: 400,
          json: {error: {code: '0x80044352', message: 'Version stamp associated with the client has expired.'}},
        }
      const [skip = 0, until = changes.length] = (searchParams.get('$skiptoken') ?? '')
        .split('-')
        .filter(Boolean)
        .map(Number)
      const last = new Map(changes.slice(since, until).map((change) => [change.id, change]))
      const page = [...last.values()].slice(skip, skip + PAGE)
      const value: JsonObject[] = []
      for (const change of page) value.push(await rowOf(change, select))
      const link =
        skip + PAGE < last.size
          ? {'@odata.nextLink': linkTo({$select: select, $deltatoken: since, $skiptoken: `${skip + PAGE}-${until}`})}
          : {'@odata.deltaLink': linkTo({$select: select, $deltatoken: until})}
      return {statusCode: 200, json: {'@odata.context': `${proxy.url}/$metadata#contacts/$delta`, value, ...link}}
    }
    const until = changes.length
    const answer = await passTo(server.url)(request)
    if (!String(request.headers['prefer']).includes('odata.track-changes')) return answer
    if (searchParams.has('$filter') || searchParams.has('$orderby') || searchParams.has('$expand'))
      return {statusCode: 400, json: {error: {code: '0x80060888', message: 'not with odata.track-changes'}}}
    const body = JSON.parse(answer.body.toString()) as JsonObject
    if (body['@odata.nextLink'] !== undefined) return answer
    return {
      statusCode: 200,
      json: {...body, '@odata.deltaLink': linkTo({$select: select, $deltatoken: until})},
    }
  })
  await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
  return {
    url: proxy.url,
    asked,
    insert: async (entitySet, row) => {
      await server.insert(entitySet, row)
      changes.push({id: (row as {contactid: string}).contactid, deleted: false})
    },
    update: async (entitySet, id, change) => {
      await server.update(entitySet, id, change)
      changes.push({id, deleted: false})
    },
    remove: async (entitySet, id) => {
      await server.remove(entitySet, id)
      changes.push({id, deleted: true})
    },
    expire: () => {
      oldest = changes.length + 1
      changes.push({id: 'none', deleted: true})
    },
    close: async () => proxy.close(),
  }
}
