import type {HttpResponse, JsonObject, JsonValue, SourceContext} from 'lorchestra'

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

/** Asks for the first page of each list as the job has it, whatever it says of what is in the answer. */
export async function explore(context: SourceContext<Options>): Promise<string> {
  const service = new Service(context)
  const texts: string[] = []
  for (const stream of service.settings.streams.values())
    if (stream.for_each === undefined) texts.push(await exploreStream(context, service, stream))
  return texts.join('\n\n')
}

async function exploreStream(
  context: SourceContext<Options>,
  service: Service,
  stream: StreamSettings,
): Promise<string> {
  const request = requestFor(context, service, stream)
  const {url, params} = request
  const asked = Object.entries(params).map(([name, value]) => `${name}=${String(value)}`)
  const sent = `${stream.objectType}: ${stream.method} ${url.origin}${url.pathname}${asked.length === 0 ? '' : `?${asked.join('&')}`}`
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
    `  path: ${stream.path}`,
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
