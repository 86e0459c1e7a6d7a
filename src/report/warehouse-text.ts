import {isSameStream, nameOfStream} from '../model/stream.ts'
import type {GapMember} from './documents/runs-list.ts'
import type {TableSetMember} from './documents/warehouse-show.ts'
import type {Screen} from '../base/screen.ts'
import {formatTable, type Column} from './text-table.ts'
import {formatWhen} from './time-text.ts'
import type {DescribedStream, WarehouseDescription} from '../warehouse/warehouse.ts'
import {formatWindow, windowAsText, type TimeWindow} from '../model/window.ts'

const NUMBER = new Intl.NumberFormat('en-US')

const TABLE_COLUMNS: readonly Column[] = [
  {name: 'TABLE'},
  {name: 'ROWS', align: 'right'},
  {name: 'BYTES', align: 'right'},
  {name: 'PARTITIONED BY', wraps: true},
  {name: 'CLUSTERED BY', wraps: true},
]

const COVERAGE_COLUMNS: readonly Column[] = [
  {name: 'JOB', wraps: true},
  {name: 'ACCOUNT', leaves: 2},
  {name: 'STREAM', wraps: true},
  {name: 'SELECTION', leaves: 1},
  {name: 'LAST COMMIT'},
  {name: 'COVERED', wraps: true},
]

export function formatDescription({bytes, tables, streams}: WarehouseDescription, screen: Screen): string {
  const rows = tables.map((table) => [
    table.name,
    table.exists ? numberOr(table.rows) : 'not there',
    numberOr(table.bytes),
    table.partitionedBy ?? '-',
    table.clusteredBy?.join(', ') ?? '-',
  ])
  const whole = bytes === undefined ? '' : `\nThe file holds ${NUMBER.format(bytes)} bytes.`
  const shown = formatTable(TABLE_COLUMNS, rows, screen)
  return streams.length === 0 ? `${shown}${whole}` : `${shown}${whole}\n\n${formatCoverage(streams, screen)}`
}

/** Lists the parts of each stream; there are gaps between several, which the next plain run reads. */
const formatCoverage = (streams: readonly DescribedStream[], screen: Screen): string =>
  formatTable(
    COVERAGE_COLUMNS,
    streams.map(({job, account, stream, selection, covered, lastCommit}) => [
      job,
      account ?? '-',
      nameOfStream(stream),
      selection,
      formatWhen(lastCommit, screen),
      covered.map(formatWindow).join('; '),
    ]),
    screen,
  )

/** Finds the gaps in what each job selects now: a selection that it no longer has is past. */
export function gapsIn(streams: readonly DescribedStream[]): readonly Gap[] {
  const current = streams.filter(
    (one) => !streams.some((other) => isSameScope(one, other) && other.lastCommit > one.lastCommit),
  )
  return current.flatMap(({job, account, stream, covered}) =>
    covered.slice(1).map((window, index) => ({
      job,
      account,
      stream,
      window: {since: covered[index]?.until ?? -Infinity, until: window.since},
    })),
  )
}

export interface Gap extends Pick<DescribedStream, 'job' | 'account' | 'stream'> {
  readonly window: TimeWindow
}

const isSameScope = (one: DescribedStream, other: DescribedStream): boolean =>
  one.job === other.job && one.account === other.account && isSameStream(one.stream, other.stream)

export const formatGap = ({job, stream, window}: Gap): string =>
  `Gap: ${job} has not read ${nameOfStream(stream)} from ${formatWindow(window)}; its next plain run does.`

export const gapMemberOf = ({job, account, stream, window}: Gap): GapMember => ({
  job,
  account,
  source_system: stream.sourceSystem,
  object_type: stream.objectType,
  window: windowAsText(window),
})

export const tableSetMemberOf = ({bytes, tables, streams}: WarehouseDescription): TableSetMember => ({
  bytes: bytes ?? null,
  tables: tables.map((table) => ({
    name: table.name,
    exists: table.exists,
    rows: table.rows ?? null,
    bytes: table.bytes ?? null,
    partitioned_by: table.partitionedBy ?? null,
    clustered_by: table.clusteredBy ?? null,
  })),
  streams: streams.map(({job, account, stream, selection, covered, lastCommit}) => ({
    job,
    account,
    source_system: stream.sourceSystem,
    object_type: stream.objectType,
    selection,
    covered: covered.map(windowAsText),
    last_commit: new Date(lastCommit).toISOString(),
  })),
})

const numberOr = (value: number | undefined): string => (value === undefined ? '-' : NUMBER.format(value))
