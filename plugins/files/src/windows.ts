import type {JsonObject, JsonValue, SourceContext} from 'lorchestra'

import type {FoundFile} from './found-files.ts'
import type {Options, StreamSettings} from './options.ts'

export type Side = 'inside' | 'before' | 'after' | 'undated'

/** The span of time that is read: in changes, all that the job wants at all. */
export interface Span {
  readonly since: number
  readonly until: number
}

export function spanOf({window, start, bookmark}: SourceContext<Options>): Span {
  const since = bookmark === undefined ? window.since : undefined
  return {
    since: Math.max(since?.getTime() ?? -Infinity, start?.getTime() ?? -Infinity),
    until: window.until.getTime(),
  }
}

const sideOf = (time: number, {since, until}: Span): Side => {
  if (Number.isNaN(time)) return 'undated'
  if (time < since) return 'before'
  return time < until ? 'inside' : 'after'
}

export const sideOfFile = ({modified}: FoundFile, {window}: StreamSettings, span: Span): Side =>
  window === 'modified' ? sideOf(modified, span) : 'inside'

export function sideOfRecord(record: JsonObject, {window}: StreamSettings, span: Span): Side {
  if (window === undefined || window === 'modified') return 'inside'
  return sideOf(timeIn(record[window.column], window.format), span)
}

const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d:?\d\d)?)?$/

/** Gives milliseconds since 1970; NaN for what is no time. Where no zone is told, it is UTC. */
function timeIn(value: JsonValue | undefined, format: 'iso' | 'unix' | 'unix-ms'): number {
  if (format !== 'iso') {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    return typeof number === 'number' ? number * (format === 'unix' ? 1000 : 1) : Number.NaN
  }
  const [, date, time = '00:00', zone = 'Z'] = ISO.exec(typeof value === 'string' ? value.trim() : '') ?? []
  return date === undefined ? Number.NaN : Date.parse(`${date}T${time}${zone}`)
}
