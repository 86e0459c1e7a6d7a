import type {TableSet} from '../model/tables.ts'
import {createRunFolder, removeRunFolder} from '../sink/run-folder.ts'
import type {Stream} from '../source.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import type {ReplayedKey, ReplayedKeys, ReplayedRows} from '../warehouse/replayed-keys.ts'
import type {StoredPayload} from '../warehouse/stored-payloads.ts'
import type {Warehouse} from '../warehouse/warehouse.ts'
import {nothingStored} from './nothing-stored.ts'

/** The source is asked for the keys of payloads of so many bytes at once, unless one alone has more. */
const ASKED_BYTES = 8 * 1024 * 1024
const MOST_ASKED = 1000
const MOST_REASONS = 3

/** A job whose stored rows are keyed anew; there is no sink, so there is nothing that could write. */
export interface JobToReplay {
  readonly job: string
  readonly source: Pick<HostedSource, 'keysOf'>
  /** What `source.options` answered. */
  readonly options: unknown
  readonly streams: readonly Stream[]
  readonly warehouse: Warehouse
  readonly production: TableSet
  /** About so many percent of the rows; missing: all of them. */
  readonly samplePercent?: number | undefined
  /** Hears, where reading is billed, how many bytes it will read. */
  readonly priced: (bytes: number) => void
  /** The folder for temporary files. */
  readonly folder: string
  readonly signal: AbortSignal
}

export interface Replay extends ReplayedRows {
  readonly samplePercent: number | undefined
  /** Why the first payloads that have no key have none, each reason once. */
  readonly reasons: readonly string[]
}

/** Tells which keys the installed source gives to the rows that are stored. Nothing is written. */
export async function replayJob(job: JobToReplay): Promise<Replay> {
  const {folder, samplePercent} = job
  const {ReplayedKeys: Keys} = await import('../warehouse/replayed-keys.ts')
  await createRunFolder(folder)
  try {
    const keys = await Keys.open(folder)
    try {
      const reasons = new Set<string>()
      for (const stream of job.streams) await replayStream(job, stream, keys, reasons)
      const rows = await keys.result()
      if (rows.rows === 0 && samplePercent === undefined) throw nothingStored(job.job)
      return {...rows, samplePercent, reasons: [...reasons]}
    } finally {
      keys.close()
    }
  } finally {
    await removeRunFolder(folder)
  }
}

async function replayStream(
  {source, options, warehouse, production, samplePercent, priced, signal}: JobToReplay,
  stream: Stream,
  keys: ReplayedKeys,
  reasons: Set<string>,
): Promise<void> {
  for await (const page of warehouse.readPayloads(production, {stream, samplePercent, priced}))
    for (const rows of inParts(page)) {
      const found = await source.keysOf(
        {stream, options},
        rows.map(({payload}) => onOneLine(payload)),
        signal,
      )
      await keys.add(rows.map(({idemKey}, index) => ({stored: idemKey, now: keyIn(found[index], reasons)})))
    }
}

function keyIn(
  found: Awaited<ReturnType<HostedSource['keysOf']>>[number] | undefined,
  reasons: Set<string>,
): ReplayedKey['now'] {
  if (found === undefined || 'idemKey' in found) return found?.idemKey
  if (reasons.size < MOST_REASONS) reasons.add(found.problem)
  return undefined
}

function* inParts(page: readonly StoredPayload[]): Generator<readonly StoredPayload[]> {
  let part: StoredPayload[] = []
  let characters = 0
  for (const row of page) {
    if (part.length === MOST_ASKED || (part.length > 0 && characters + row.payload.length > ASKED_BYTES)) {
      yield part
      part = []
      characters = 0
    }
    part.push(row)
    characters += row.payload.length
  }
  if (part.length > 0) yield part
}

/** Somebody may have written it by hand: between its tokens JSON may break lines, and within them it may not. */
// oxlint-disable-next-line no-control-regex -- these would end a payload on its way
const onOneLine = (payload: string): Uint8Array => Buffer.from(payload.replaceAll(/[\u0000\n\r\u001F]/g, ' '))
