import {usageError} from '../base/errors.ts'
import {mergeWindows, type TimeWindow} from '../model/window.ts'
import type {JsonValue} from '../source.ts'
import type {Reject} from '../warehouse/warehouse.ts'
import type {StreamGroup} from './stream-groups.ts'

/** Records of one job were rejected in these; whoever reads them again must read the same selection of the same data. */
export interface ReadAgain {
  readonly job: string
  readonly account: string | null
  readonly sourceSystem: string
  readonly spans: readonly RejectedSpan[]
}

export interface RejectedSpan {
  readonly objectType: string
  readonly selection: string
  readonly window: TimeWindow
  /** The records came as changes since this. */
  readonly bookmark?: JsonValue
}

/** Finds out what to read again. `rejects` are open, oldest first, at least one; those that 0.1.0 logged do not say where they were met. */
export function readAgain(rejects: readonly Reject[]): ReadAgain {
  const met = rejects.flatMap(({stream, rejectedIn}) => (rejectedIn === undefined ? [] : [{...rejectedIn, stream}]))
  const [first] = met
  if (first === undefined) {
    throw usageError('the event log does not say in which window these records were rejected', {
      code: 'E_REJECTS_STALE',
      next: 'Another version of lorchestra wrote it: lorchestra run JOB --full reads everything again.',
    })
  }
  const {job, account, stream} = first
  const selections = new Map(met.map((one) => [one.stream.objectType, one.selection]))
  const other = met.find(
    (one) =>
      one.selection !== selections.get(one.stream.objectType) ||
      one.account !== account ||
      one.stream.sourceSystem !== stream.sourceSystem,
  )
  if (other !== undefined) throw readsOtherRecords(job)
  return {
    job,
    account,
    sourceSystem: stream.sourceSystem,
    spans: [...selections].flatMap(([objectType, selection]) => {
      const ofType = met.filter((one) => one.stream.objectType === objectType)
      const changes = ofType.filter(({bookmark}) => bookmark !== undefined)
      const [oldest] = changes
      return [
        ...mergeWindows(ofType.filter(({bookmark}) => bookmark === undefined).map(({window}) => window)).map(
          (window) => ({objectType, selection, window}),
        ),
        // What changed since the oldest is all that changed since the others, too.
        ...(oldest?.bookmark === undefined
          ? []
          : [{objectType, selection, window: spanOf(changes.map(({window}) => window)), bookmark: oldest.bookmark}]),
      ]
    }),
  }
}

/** Throws where the job, as it is now, would not read the records that were rejected. */
export function assertReadsTheSame(
  {job, sourceSystem, spans}: ReadAgain,
  now: {readonly sourceSystem: string; readonly groups: readonly StreamGroup[]},
): void {
  const isRead = (span: RejectedSpan): boolean =>
    now.groups.some(
      ({selection, streams}) =>
        selection === span.selection && streams.some(({objectType}) => objectType === span.objectType),
    )
  if (sourceSystem === now.sourceSystem && spans.every(isRead)) return
  throw readsOtherRecords(job)
}

export const readsOtherRecords = (job: string): Error =>
  usageError(`the definition of ${job} has changed since records were rejected, so it would read others`, {
    code: 'E_REJECTS_STALE',
    next: `A plain run reads everything that the new definition asks for: lorchestra run ${job}`,
  })

/** Gives the window that reaches over all of these. */
export const spanOf = (windows: readonly TimeWindow[]): TimeWindow => ({
  since: Math.min(...windows.map(({since}) => since)),
  until: Math.max(...windows.map(({until}) => until)),
})
