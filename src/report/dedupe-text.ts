import {rowOf, type RunMode} from '../model/run-mode.ts'
import type {DedupeReport} from '../run/dedupe-tables.ts'
import {formatBytes} from './bytes-text.ts'
import type {WarehouseDedupeDocument} from './documents/warehouse-dedupe.ts'
import {formatSpan} from '../base/span.ts'

const NUMBER = new Intl.NumberFormat('en-US')

export const formatRemovalEstimate = (bytes: number): string =>
  `Removing the rows reads at most ${formatBytes(bytes)}, by the estimate of the warehouse, and bills that.`

export function formatDedupe({tables, streams, runId, seconds}: DedupeReport, mode: RunMode): string {
  if (streams.length === 0) return `${tables.rawObjects}: no key has several rows; nothing to remove`
  const {linePrefix, lineSuffix} = rowOf(mode)
  const did = runId === undefined ? 'would remove' : 'removed'
  const lines = streams
    .filter(({rows}) => rows > 0)
    .map(
      ({stream: {sourceSystem, objectType}, keys, rows}) =>
        `${linePrefix}${did} ${numberOf(rows, 'row')} of ${numberOf(keys, 'key')} of ${sourceSystem}/${objectType} in ${tables.rawObjects}, in ${formatSpan(seconds * 1000)}${lineSuffix}`,
    )
  return lines.join('\n')
}

const numberOf = (number: number, what: string): string => `${NUMBER.format(number)} ${what}${number === 1 ? '' : 's'}`

export const warehouseDedupeDocumentOf = (
  {tables, streams, runId, bytes}: DedupeReport,
  {mode, bytesBilled}: {readonly mode: RunMode; readonly bytesBilled: number | undefined},
): WarehouseDedupeDocument => ({
  schema: 1,
  mode,
  run_id: runId ?? null,
  table: tables.rawObjects,
  streams: streams.map(({stream, keys, rows}) => ({
    source_system: stream.sourceSystem,
    object_type: stream.objectType,
    keys,
    rows,
  })),
  bytes_estimated: bytes ?? null,
  bytes_billed: bytesBilled ?? null,
})
