import {resolve} from 'node:path'

import {StreamCounts} from '../model/counts.ts'
import {messageWithCauses} from '../base/errors.ts'
import {parseExactly} from '../base/exact-json.ts'
import type {Event} from '../model/events.ts'
import {streamGroups} from '../run/stream-groups.ts'
import {readSlice} from '../run/read-slice.ts'
import type {PartResult, SliceReader} from '../run/slice.ts'
import {contextBetweenSlices} from '../run/source-context.ts'
import type {JsonObject, JsonValue, Page, Source, SourceContext, Stream} from '../source.ts'
import {keyProblem} from '../sources/box/keyed-record.ts'
import {inProcessSource} from '../sources/box/in-process-source.ts'
import type {TimeWindow} from '../model/window.ts'
import {httpClientFor, keepingLog, secretsInMemory, type Trial} from './trial.ts'

export interface ReadingOptions {
  readonly window?: Partial<TimeWindow>
  /** Whether only the streams that a window selects from are read. */
  readonly windowedOnly?: boolean
  readonly bookmark?: JsonValue
  /** The records to read, instead of a window. */
  readonly keys?: readonly string[]
  readonly known?: (idemKeys: readonly string[]) => ReadonlySet<string>
  /** Called with each page before the host looks at it, and once the host has let go of it. */
  readonly onPage?: (page: Page) => Promise<void> | void
  readonly afterPage?: () => Promise<void>
  /** Whether records are let go of, where there is too much of them. */
  readonly forgetRecords?: boolean
}

export interface ReadRecord {
  readonly record: JsonObject
  readonly stream: Stream
}

/** The host sees this of one extraction. */
export interface Reading {
  readonly records: readonly ReadRecord[]
  /** Keys in the order in which they came, without those that the host rejected. */
  readonly keys: readonly string[]
  readonly rejected: readonly string[]
  readonly counts: {
    readonly extracted: number
    readonly known: number
    readonly gone: number
    readonly rejected: number
  }
  readonly bookmark: JsonValue | undefined
  /** Where the reading of streams without windows could have gone on. */
  readonly checkpoints: readonly Checkpoint[]
  readonly log: readonly string[]
  readonly error: unknown
}

export interface Checkpoint {
  readonly bookmark: JsonValue
  /** So many of the keys came before it. */
  readonly keys: number
}

export const SOURCE_SYSTEM = 'conformance--account'

/** Reads once through the host's own reader. A failure is part of the result. */
export async function read(trial: Trial, options: ReadingOptions = {}): Promise<Reading> {
  const {setup, options: sourceOptions} = trial
  const {window, windowedOnly = false, bookmark, keys: wanted, forgetRecords = false} = options
  const records: ReadRecord[] = []
  const {reader, surroundings, log, keys, rejected} = readerFor(trial, options)
  const groups = streamGroups(setup.source.streams(sourceOptions), SOURCE_SYSTEM)
  const objectTypes = groups.flatMap(({streams}) => streams.map(({objectType}) => objectType))
  const counts = new StreamCounts(objectTypes)
  const whole = new StreamCounts(objectTypes)
  const checkpoints: Checkpoint[] = []
  const atCheckpoint = ({bookmark: at}: PartResult): Promise<void> => {
    checkpoints.push({bookmark: at, keys: keys.length})
    whole.addAll(counts)
    counts.clear()
    return Promise.resolve()
  }
  let kept: JsonValue | undefined
  let error: unknown
  try {
    for (const {windowed, streams} of groups) {
      if (windowedOnly && !windowed) continue
      const observed = observe(setup.source, streams, options, (page, stream) => {
        if (!forgetRecords) records.push(...page.records.map((record) => ({record, stream})))
      })
      const result = await readSlice(
        {...reader, source: inProcessSource(observed, surroundings)},
        {
          streams,
          window: {since: -Infinity, until: Date.now(), ...(windowed && window)},
          ...(bookmark !== undefined && {bookmark}),
          ...(wanted !== undefined && {keys: wanted.filter((key) => isOfOne(key, streams))}),
          limit: Infinity,
          rejectedBefore: 0,
          counts,
          ...(!windowed && {atCheckpoint}),
        },
      )
      kept = result.bookmark ?? kept
    }
  } catch (problem) {
    error = problem
  }
  whole.addAll(counts)
  return {records, keys, rejected, counts: whole.total(), bookmark: kept, checkpoints, log, error}
}

const isOfOne = (key: string, streams: readonly Stream[]): boolean =>
  streams.some((stream) => keyProblem(key, stream) === undefined)

/** Reads in the same way, where a failure is none of the rule's business. */
export async function readWhole(trial: Trial, options: ReadingOptions = {}): Promise<Reading> {
  const reading = await read(trial, options)
  if (reading.error !== undefined) {
    throw new Error(`the source failed to read: ${messageWithCauses(reading.error)}`, {cause: reading.error})
  }
  return reading
}

/** Gives the context for what the source does outside of the host's reader. */
export function contextFor(
  trial: Trial,
  streams: readonly Stream[],
  signal: AbortSignal = new AbortController().signal,
  waits: 'real' | 'skipped' = 'real',
): SourceContext<unknown> {
  const {reader, surroundings} = readerFor(trial, {}, signal, waits)
  return {...contextBetweenSlices(reader, streams), ...surroundings, parseJson: parseExactly}
}

export const streamsOf = ({setup, options}: Trial): readonly Stream[] =>
  streamGroups(setup.source.streams(options), SOURCE_SYSTEM).flatMap(({streams}) => streams)

/** Gives the part of the host that reads, and what it took. */
export function readerFor(
  trial: Trial,
  {known, forgetRecords = false}: ReadingOptions,
  signal: AbortSignal = new AbortController().signal,
  waits: 'real' | 'skipped' = 'skipped',
) {
  const lines: string[] = []
  const keys: string[] = []
  const rejected: string[] = []
  const log = keepingLog(lines)
  const surroundings = {http: httpClientFor(trial, signal, log, waits), resolvePath: (path: string) => resolve(path)}
  const reader: SliceReader = {
    source: inProcessSource(trial.setup.source, surroundings),
    options: trial.options,
    runId: 'conformance',
    sink: {
      known: (idemKeys) => Promise.resolve(known?.(idemKeys) ?? new Set()),
      upsertObjects: (accepted) => {
        if (!forgetRecords) keys.push(...accepted.map(({idemKey}) => idemKey))
        return Promise.resolve()
      },
      logEvent: ({event_type: type, error_message: reason, payload}: Event) => {
        if (type === 'record.rejected') rejected.push(`${payload?.['reference'] as string}: ${reason ?? ''}`)
        return Promise.resolve()
      },
    },
    secrets: secretsInMemory(),
    log,
    signal,
    maxRejects: Infinity,
    askKnown: true,
    now: () => new Date(),
    observe: () => undefined,
  }
  return {reader, surroundings, log: lines, keys, rejected}
}

/** Gives the source itself, with an eye on its pages. */
function observe(
  source: Source,
  streams: readonly Stream[],
  {onPage, afterPage}: ReadingOptions,
  seen: (page: Page, stream: Stream) => void,
): Source {
  return {
    ...source,
    idemKey: (record, stream, options) => source.idemKey(record, stream, options),
    streams: (options) => source.streams(options),
    async *extract(context) {
      for await (const page of source.extract(context)) {
        await onPage?.(page)
        const stream = streams.find(({objectType}) => objectType === page.objectType) ?? streams[0]
        if (stream !== undefined) seen(page, stream)
        yield page
        await afterPage?.()
      }
    },
  }
}
