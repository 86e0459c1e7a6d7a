import {addCounts, noCounts} from '../model/counts.ts'
import type {EventDetails} from '../model/events.ts'
import {windowAsText, type TimeWindow} from '../model/window.ts'
import type {JsonObject} from '../source.ts'
import type {RowCounts} from '../warehouse/commit-batch.ts'
import {changesAsPayload} from '../warehouse/schema-events.ts'
import type {StoredBookmark, StreamScope, StreamState} from '../warehouse/warehouse.ts'

type Details = Omit<EventDetails, 'runId' | 'at'>

/** Says in each event where it comes from: `{promoted_from: […]}`. */
export interface Origin {
  readonly word: string
  readonly payload: JsonObject
}

/** Tells one event log what runs in another one covered, in as few windows as it takes; rows are told with the first. */
export function coverageEvents(
  {job, account, selection, stream}: StreamScope,
  {
    covered,
    bookmark,
    identity,
  }: {
    readonly covered: readonly TimeWindow[]
    readonly bookmark?: StoredBookmark | undefined
    readonly identity?: string | undefined
  },
  rows: Partial<RowCounts>,
  {word, payload}: Origin,
): readonly Details[] {
  return covered.map((window, place) => {
    const counts = noCounts()
    if (place === 0) addCounts(counts, rows)
    return {
      type: 'ingestion.completed',
      ...stream,
      discriminator: `${word} ${place}`,
      payload: {
        schema: 1,
        job,
        account,
        selection,
        ...(identity !== undefined && {identity}),
        window: windowAsText(window),
        counts: {...counts},
        limited: false,
        ...payload,
        ...(bookmark !== undefined && {bookmark: {value: bookmark.value, at: new Date(bookmark.at).toISOString()}}),
      },
    }
  })
}

/** Tells one event log, which knows nothing of the shape of a stream's records, what runs in another one have found. */
export function shapeEvents(
  {job, account, selection, stream}: StreamScope,
  schema: StreamState['schema'],
  {word, payload}: Origin,
): readonly Details[] {
  const told = schema.filter(({type}) => type !== 'schema.refused')
  const changes = changesAsPayload(told.flatMap((event) => event.changes))
  if (changes.length === 0) return []
  return [
    {
      type: 'schema.changed',
      ...stream,
      discriminator: word,
      payload: {schema: 1, job, account, selection, initial: true, ...payload, changes},
    },
  ]
}
