import type {JsonValue, SliceWindow} from 'lorchestra'

import type {FORMATS} from './options/stream.ts'
import {textOf} from './value-at.ts'

export type TimeFormat = (typeof FORMATS)[number]

const SECOND = 1000
const DAY = 86_400_000

/**
 * Milliseconds that the service is asked for beyond each end, because it may count the end itself or not; a date may be one of any
 * time zone. What lies outside is left out by its own time.
 */
const MARGINS: Readonly<Record<TimeFormat, {readonly step: number; readonly before: number; readonly after: number}>> =
  {
    iso: {step: 1, before: 1, after: 0},
    'iso-seconds': {step: SECOND, before: SECOND, after: 0},
    date: {step: DAY, before: 2 * DAY, after: DAY},
    unix: {step: SECOND, before: SECOND, after: 0},
    'unix-ms': {step: 1, before: 1, after: 0},
  }

/** Gives the times to ask for, so that nothing of the window is missed. */
export function askedTimes(
  {since, until}: SliceWindow,
  format: TimeFormat,
): {readonly since: string | number | undefined; readonly until: string | number} {
  const {step, before, after} = MARGINS[format]
  return {
    since: since === undefined ? undefined : written(Math.floor(since.getTime() / step) * step - before, format),
    until: written(Math.ceil(until.getTime() / step) * step + after, format),
  }
}

/** The beginning of time, for places that cannot be left out. */
export const firstTime = (format: TimeFormat): string | number => written(0, format)

function written(time: number, format: TimeFormat): string | number {
  const milliseconds = Math.max(0, time)
  const text = new Date(milliseconds).toISOString()
  if (format === 'unix') return milliseconds / SECOND
  if (format === 'unix-ms') return milliseconds
  if (format === 'date') return text.slice(0, 10)
  return format === 'iso' ? text : text.replace(/\.\d+Z$/, 'Z')
}

const NUMBER = /^-?\d+(?:\.\d+)?$/
// What .NET wrote: milliseconds since 1970, and a time zone to show them in.
const DOT_NET = /^\/Date\((-?\d+)(?:[+-]\d{4})?\)\/$/
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i
/** The dates of RFC 2822, and what some services write, count where a time zone is there. */
const WITH_ZONE = /(?:GMT|UTC|Z|[+-]\d{4})(?:\s+\d{4})?$/
/** Seconds since 1970 are fewer until the year 5138, and milliseconds more since 1973. */
const FEWEST_MILLISECONDS = 1e11

/** Reads a time however it is written: ISO 8601 (without a time zone in UTC), seconds or milliseconds since 1970, RFC 2822. */
export function timeIn(value: JsonValue | undefined): number | undefined {
  const text = textOf(value)?.trim()
  if (text === undefined) return undefined
  if (NUMBER.test(text)) {
    const number = Number(text)
    return Math.floor(Math.abs(number) < FEWEST_MILLISECONDS ? number * SECOND : number)
  }
  const [, milliseconds] = DOT_NET.exec(text) ?? []
  if (milliseconds !== undefined) return Number(milliseconds)
  const [match, date = '', time, zone = 'Z'] = ISO.exec(text) ?? []
  if (match === undefined && !WITH_ZONE.test(text)) return undefined
  const parsed = Date.parse(
    match === undefined ? text : `${date}T${time ?? '00:00'}${fullZone(zone)}`.replace(',', '.'),
  )
  return Number.isNaN(parsed) ? undefined : parsed
}

function fullZone(zone: string): string {
  if (/^z$/i.test(zone)) return 'Z'
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone[0] ?? '+'}${digits.slice(0, 2)}:${digits.slice(2)}`
}

export const isInside = (time: number, {since, until}: SliceWindow): boolean =>
  time < until.getTime() && (since === undefined || time >= since.getTime())
