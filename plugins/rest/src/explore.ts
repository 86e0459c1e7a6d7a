import type {ExploreContext, HttpResponse, JsonObject, JsonValue, SourceContext} from 'lorchestra'

import {isHttpError} from './http-error.ts'
import {signOfMore} from './listing/sign-of-more.ts'
import type {Options} from './options/shape.ts'
import {Service, type ServiceRequest} from './service.ts'
import type {StreamSettings} from './settings.ts'
import {filled, filledValue} from './template.ts'
import {askedTimes, timeIn} from './times.ts'
import {isList, isObject, membersOf, textOf, valueAt} from './value-at.ts'

const LEVELS = 3
const TOTALS = ['total', 'count', 'total_count', 'totalCount', 'meta.total', 'pagination.total', 'total_results']

/** Asks for the first page of each list as the job has it, whatever it says of what is in the answer; or for an address. */
export async function explore(context: ExploreContext<Options>): Promise<string> {
  const service = new Service(context)
  if (context.address !== undefined) return exploreAddress(service, context.address)
  const texts: string[] = []
  for (const stream of service.settings.streams.values())
    if (stream.for_each === undefined) {
      const request = requestFor(context, service, stream)
      const {url, params} = request
      const asked = Object.entries(params).map(([name, value]) => `${name}=${String(value)}`)
      const sent = `${stream.objectType}: ${stream.method} ${url.origin}${url.pathname}${asked.length === 0 ? '' : `?${asked.join('&')}`}`
      texts.push(await explored(service, request, sent, [`path: ${stream.path}`]))
    }
  return texts.join('\n\n')
}

/** Asks for what the user names: a path below `base_url`, or an address, which gets credentials only at the account's own host. */
async function exploreAddress(service: Service, address: string): Promise<string> {
  const {base} = service.settings
  const foreign = /^https?:/i.test(address) && URL.canParse(address) && new URL(address).host !== base.host
  const url = foreign ? new URL(address) : service.addressOf(address)
  const root = base.pathname.replace(/\/*$/, '/')
  const path = url.pathname.startsWith(root) ? url.pathname.slice(root.length - 1) : undefined
  const params = [...new Set(url.searchParams.keys())].map((name) => {
    const values = url.searchParams.getAll(name)
    return `${JSON.stringify(name)}: ${JSON.stringify(values.length === 1 ? values[0] : values)}`
  })
  const options = [
    ...(foreign ? [`base_url: ${url.origin}`, `path: ${url.pathname}`] : [`path: ${path ?? url.href}`]),
    ...(params.length === 0 ? [] : [`params: {${params.join(', ')}}`]),
  ]
  const sent = [
    `GET ${url.origin}${url.pathname}${url.search}`,
    ...(foreign ? [`without credentials and headers of the account, which go to ${base.host} alone`] : []),
  ].join('\n  ')
  return explored(service, {url, params: {}, empty: [], foreign}, sent, options)
}

async function explored(
  service: Service,
  request: ServiceRequest,
  sent: string,
  options: readonly string[],
): Promise<string> {
  const answer = await ask(service, request)
  if (answer === undefined) return `${sent}\n  answered that nothing is there`
  const {headers, status} = answer
  const body: JsonValue = answer.parts === undefined ? answer.body : [...answer.parts].flat()
  const lists = listsIn(body, '', LEVELS).toSorted((one, other) => other.records.length - one.records.length)
  const [list] = lists
  const lines = [`answered ${status}; ${membersOf(body)}`]
  if (list === undefined) return [sent, ...lines, 'there is no list of records in it'].join('\n  ')
  const found = foundIn(list.records)
  const more = signOfMore(headers, body)
  const total = TOTALS.find((path) => typeof valueAt(body, path) === 'number')
  lines.push(
    `lists of records: ${lists.map(({path, records}) => `${path === '' ? 'the answer itself' : path} (${records.length})`).join(', ')}`,
    `ids, probably: ${named(found.ids)}`,
    `times: ${named(found.times)}`,
    `next page: ${more === undefined ? 'nothing says that there is one' : `${more.where} says that there is one`}`,
    ...(total === undefined ? [] : [`total: ${total}`]),
    'which would be read by:',
    ...options.map((option) => `  ${option}`),
    `  records: ${list.path === '' ? '""' : list.path}`,
    `  key: ${found.ids[0] ?? '… # which member, or which together, are never the same twice'}`,
    `  ${more?.setting ?? 'pages: {by: none} # if this is all; else page or offset, as the documentation says'}`,
    ...(total === undefined ? [] : [`  total: ${total}`]),
    ...(found.times[0] === undefined
      ? []
      : [`  window: {since: …, until: …, field: ${found.times[0]}} # the parameters that the documentation names`]),
  )
  return [sent, ...lines].join('\n  ')
}

const named = (paths: readonly string[]): string => (paths.length === 0 ? 'none' : paths.join(', '))

function requestFor(context: SourceContext<Options>, service: Service, stream: StreamSettings): ServiceRequest {
  const {values} = service.settings
  const times = stream.window === undefined ? undefined : askedTimes(context.window, stream.window.format)
  const lookup = (name: string): string | number | undefined =>
    name === 'window.since' ? times?.since : name === 'window.until' ? times?.until : values[name]
  const own = Object.entries(stream.params).map(
    ([name, value]) => [name, typeof value === 'string' ? filled(value, lookup) : value] as const,
  )
  const {pages} = stream
  const size =
    pages !== undefined && 'size' in pages && pages.size_param !== undefined
      ? {[pages.size_param]: pages.size ?? 0}
      : {}
  return {
    url: service.addressOf(filled(stream.path, lookup, encodeURIComponent)),
    params: {...Object.fromEntries(own), ...(stream.method === 'GET' && size)},
    empty: stream.empty,
    ...(stream.method === 'POST' && {method: 'POST', json: filledValue(stream.body ?? {}, lookup)}),
  }
}

/** Asks once more where the answer is a list, which has to be asked for as one. */
async function ask(service: Service, request: ServiceRequest): Promise<HttpResponse | undefined> {
  try {
    return await service.ask(request)
  } catch (error) {
    if (!isHttpError(error) || error.isList !== true) throw error
    return service.ask({...request, listInParts: ''})
  }
}

interface FoundList {
  readonly path: string
  readonly records: readonly JsonObject[]
}

function listsIn(value: JsonValue, path: string, levels: number): readonly FoundList[] {
  if (isList(value)) return value.length > 0 && value.every(isObject) ? [{path, records: value}] : []
  if (!isObject(value) || levels === 0) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    /^[\w@$-]+$/.test(name) && inner !== undefined
      ? listsIn(inner, path === '' ? name : `${path}.${name}`, levels - 1)
      : [],
  )
}

/** Finds members that every record has: with another text or number in each, or with a time. */
function foundIn(records: readonly JsonObject[]): {readonly ids: readonly string[]; readonly times: readonly string[]} {
  const paths = Object.keys(records[0] ?? {}).filter((name) => /^[\w@$-]+$/.test(name))
  const isTime = (path: string): boolean =>
    /_?(?:at|on|date|time|created|updated|modified|ts)$/i.test(path) &&
    records.every((record) => timeIn(record[path]) !== undefined)
  const times = paths.filter(isTime)
  const ids = paths.filter((path) => {
    const texts = records.map((record) => textOf(record[path]))
    return !times.includes(path) && !texts.includes(undefined) && new Set(texts).size === records.length
  })
  return {
    ids: ids.toSorted(byLikeness(/^(?:id|uuid|guid|key|sha)$|_?id$/i)),
    times: times.toSorted(byLikeness(/update|modif|change|edit/i)),
  }
}

const byLikeness =
  (likely: RegExp) =>
  (one: string, other: string): number =>
    Number(likely.test(other)) - Number(likely.test(one))
