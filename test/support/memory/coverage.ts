import type {Event} from '../../../src/model/events.ts'
import {mergeWindows, type TimeWindow} from '../../../src/model/window.ts'
import type {JsonValue} from '../../../src/source.ts'
import {schemaEventsIn} from '../../../src/warehouse/schema-events.ts'
import type {DescribedStream, StreamScope, StreamState} from '../../../src/warehouse/warehouse.ts'

export interface Completion {
  readonly job: string
  readonly account: string | null
  readonly selection: string
  readonly limited: boolean
  readonly read_by?: string
  readonly window: {readonly since: string | null; readonly until: string}
  readonly identity?: string | null
  readonly bookmark?: {readonly value: JsonValue; readonly at: string} | null
  readonly checkpoint?: {readonly value: JsonValue} | null
}

interface Completed extends Completion {
  readonly event: Event
}

const completionIn = ({payload}: Event): Completion => payload as unknown as Completion

export const undoneRunsIn = (log: readonly Event[]): ReadonlySet<unknown> =>
  new Set(log.filter(({event_type: type}) => type === 'run.undone').flatMap(({payload}) => payload?.['runs']))

export const completedIn = (log: readonly Event[]): readonly Completed[] =>
  log
    .filter(({event_type: type, status}) => type === 'ingestion.completed' && status === 'ok')
    .filter(({payload, correlation_id: runId}) => payload?.['schema'] === 1 && !undoneRunsIn(log).has(runId))
    .map((event) => ({...completionIn(event), event}))

export const windowOf = ({window: {since, until}}: Pick<Completion, 'window'>): TimeWindow => ({
  since: since === null ? -Infinity : Date.parse(since),
  until: Date.parse(until),
})

const isRead = ({stream, account}: StreamScope, {event, account: other}: Completed): boolean =>
  event.source_system === stream.sourceSystem && event.object_type === stream.objectType && account === other

const isOfJob = (event: Event, {job, selection}: StreamScope): boolean =>
  completionIn(event).job === job && completionIn(event).selection === selection

export function streamStateIn(log: readonly Event[], scope: StreamScope): StreamState {
  const ofStream = completedIn(log).filter((completed) => isRead(scope, completed))
  const ofJob = ofStream.filter(({job}) => job === scope.job)
  const ofSelection = ofJob.filter(({selection}) => selection === scope.selection)
  const covered = mergeWindows(ofSelection.filter(({limited}) => !limited).map(windowOf))
  const bookmark = ofSelection.findLast((one) => (one.bookmark ?? null) !== null)?.bookmark ?? undefined
  const checkpoint =
    ofSelection.findLast((one) => !one.limited || (one.checkpoint ?? null) !== null)?.checkpoint ?? undefined
  const swept = log.findLast(
    (event) =>
      event.event_type === 'keys.swept' && isRead(scope, {...completionIn(event), event}) && isOfJob(event, scope),
  )
  const identity = ofStream.findLast((one) => (one.identity ?? null) !== null)?.identity ?? undefined
  return {
    covered,
    otherSelectionCovered: covered.length === 0 && ofJob.some(({limited}) => !limited),
    ...(bookmark !== undefined && {bookmark: {value: bookmark.value, at: Date.parse(bookmark.at)}}),
    ...(checkpoint !== undefined && {checkpoint}),
    ...(swept !== undefined && {sweptAt: Date.parse(swept.created_at)}),
    ...(identity !== undefined && {identity}),
    schema: schemaEventsIn(
      log
        .filter((event) => event.event_type.startsWith('schema.'))
        .filter(
          (event) => event.source_system === scope.stream.sourceSystem && event.object_type === scope.stream.objectType,
        )
        .map((event) => ({
          event_type: event.event_type,
          correlation_id: event.correlation_id,
          created_ms: Date.parse(event.created_at),
          payload: JSON.stringify(event.payload),
        })),
    ),
  }
}

export function streamsIn(log: readonly Event[]): readonly DescribedStream[] {
  const scopes = Map.groupBy(
    completedIn(log).filter(({limited}) => !limited),
    ({event, job, account, selection}) =>
      JSON.stringify([event.source_system, event.object_type, job, account, selection]),
  )
  return [...scopes.values()].flatMap((completed) => {
    const [first] = completed
    if (first === undefined) return []
    const {event, job, account, selection} = first
    return {
      job,
      account,
      selection,
      stream: {sourceSystem: event.source_system, objectType: event.object_type ?? ''},
      covered: mergeWindows(completed.map(windowOf)),
      lastCommit: Math.max(...completed.map((one) => Date.parse(one.event.created_at))),
    }
  })
}
