import type * as z from 'zod'

import {parseInstant} from '../base/time.ts'
import type {SourceDefaults} from '../source.ts'
import {leftOut, READING, type ReadingSetting} from './settings.ts'

type Table = typeof READING
type Key = keyof Table
type JobKey = {[K in Key]: Table[K]['in'] extends {readonly job: string} ? K : never}[Key]
type DefaultedKey = {[K in Key]: Table[K]['default'] extends {readonly value: unknown} ? K : never}[Key]
type SourceKey = {[K in Key]: Table[K]['default'] extends {readonly source: string} ? K : never}[Key]
type FixedKey = Exclude<DefaultedKey, SourceKey>

type Value<K extends Key> = ReturnType<Table[K]['read']>
/** `max_rejects` of the file is `maxRejects` of the program. */
type Property<K extends string> = K extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Property<Tail>>}` : K

/** A job's settings stand here as the file has them, variables unresolved. */
export type WrittenSettings = {readonly [K in JobKey]?: z.infer<Table[K]['schema']>}

/** A job's settings stand here as a run goes by them. What the source may say is missing where the job does not. */
export type JobSettings = {readonly [K in FixedKey as Property<K>]: Value<K>} & {
  readonly [K in Exclude<JobKey, FixedKey> as Property<K>]?: Value<K>
}

type RunSettings = {readonly [K in DefaultedKey as Property<K>]: Value<K>} & {
  readonly [K in Exclude<Key, DefaultedKey> as Property<K>]: Value<K> | undefined
}

interface Row {
  readonly key: string
  readonly property: string
  readonly setting: ReadingSetting<unknown>
}

const rows: readonly Row[] = Object.entries(READING).map(([key, setting]) => ({
  key,
  property: key.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  setting,
}))

/** Leaves out what belongs to the source or says which records are read. */
export const writtenSettings = (entry: Readonly<Record<string, unknown>>): WrittenSettings =>
  Object.fromEntries(Object.entries(entry).filter(([key]) => Object.hasOwn(READING, key)))

/** Reads what is written, without variables, and tells `refuse` of each value that means nothing. */
export function readSettings(
  written: Readonly<Record<string, string | number>>,
  refuse: (key: string, reason: unknown) => void,
): JobSettings {
  const read = rows.map(({key, property, setting}) => {
    const value = written[key] ?? (setting.default.source === undefined ? fixedDefault(setting) : undefined)
    try {
      return [property, value === undefined ? undefined : setting.read(value)] as const
    } catch (reason) {
      refuse(key, reason)
      return [property, undefined] as const
    }
  })
  return Object.fromEntries(read.filter(([, value]) => value !== undefined)) as JobSettings
}

/** Completes a job's settings with the source's defaults. Times are milliseconds; `-Infinity` is before all records. */
export function runSettings(job: JobSettings, defaults: SourceDefaults = {}) {
  const given: Readonly<Record<string, unknown>> = job
  const complete = rows.map(({property, setting}) => {
    const {source} = setting.default
    const otherwise = (source === undefined ? undefined : defaults[source]) ?? fixedDefault(setting)
    return [property, given[property] ?? (otherwise === undefined ? undefined : setting.read(otherwise))]
  })
  const {start, ...others} = Object.fromEntries(complete) as RunSettings
  const {earliest} = defaults
  return {
    ...others,
    start: start?.getTime() ?? -Infinity,
    sliceIsMaximum: job.slice !== undefined,
    earliest: earliest === undefined ? -Infinity : parseInstant(earliest).date.getTime(),
  }
}

const fixedDefault = ({default: otherwise}: ReadingSetting<unknown>): string | number | undefined =>
  'value' in otherwise ? otherwise.value : undefined

/** Shows settings to a person: as they were read, as written where `job` is not known, else what holds without them. */
export function formatSettings(
  written: WrittenSettings,
  job: JobSettings | undefined,
  defaults: SourceDefaults | undefined,
): Readonly<Record<string, string | number>> {
  const texts: Readonly<Record<string, string | number>> = written
  const read: Readonly<Record<string, unknown>> = job ?? {}
  return Object.fromEntries(
    rows.map(({key, property, setting}) => {
      const value = read[property]
      return [key, value === undefined ? (texts[key] ?? leftOut(setting.default, defaults)) : setting.format(value)]
    }),
  )
}
