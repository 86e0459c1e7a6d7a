import {nameOfStream} from '../model/stream.ts'
import {printable} from '../base/printable.ts'
import {formatSchemaChange, formatTypes} from '../model/schema-text.ts'
import type {SchemaChange} from '../model/stream-schema.ts'
import type {SchemaReport} from '../run/job-run.ts'
import type {StreamChanges} from '../run/record-shapes.ts'
import type {Stream} from '../source.ts'
import type {SchemaEvent} from '../warehouse/warehouse.ts'
import type {SchemaAcceptDocument} from './documents/schema-accept.ts'
import type {SchemaDiffDocument} from './documents/schema-diff.ts'
import type {SchemaShowDocument} from './documents/schema-show.ts'
import type {SchemaChangeMember, SchemaMember} from './documents/schema.ts'
import {datedFacts, type JobSchema} from './job-schemas.ts'
import type {Screen} from '../base/screen.ts'
import {formatTable, type Column} from './text-table.ts'
import {formatWhen} from './time-text.ts'

/** So many changes stand in the one line of a summary. */
const SHOWN = 3

/** Gives one line, or none where nothing changed. */
export function formatSchemaChanges(job: string, streams: readonly StreamChanges[]): readonly string[] {
  const changes = streams.flatMap((one) => one.changes)
  if (changes.length === 0) return []
  const shown = changes.slice(0, SHOWN).map((change) => printable(formatSchemaChange(change)))
  const more = changes.length > SHOWN ? `   and ${changes.length - SHOWN} more: lorchestra schema diff ${job}` : ''
  const facts = changes.length === 1 ? '1 new fact' : `${changes.length} new facts`
  return [`schema: ${facts}   ${shown.join('   ')}${more}`]
}

export const schemaMemberOf = ({policy, changes}: SchemaReport): SchemaMember => ({
  policy,
  changes: changes.flatMap(({stream, changes: some}) =>
    some.map((change) => ({
      source_system: stream.sourceSystem,
      object_type: stream.objectType,
      ...changeMemberOf(change),
    })),
  ),
})

export const changeMemberOf = ({
  path,
  types,
  always,
  was,
  wasAlways,
  count,
  of,
  example,
}: SchemaChange): SchemaChangeMember => ({
  path,
  was,
  types,
  was_always: wasAlways,
  always,
  count,
  of,
  ...(example !== undefined && {example}),
})

const PATH_COLUMNS: readonly Column[] = [
  {name: 'PATH', wraps: true},
  {name: 'TYPES', wraps: true},
  {name: 'ALWAYS'},
  {name: 'SINCE'},
  {name: 'RUN', leaves: 1},
]

export function formatSchema(schema: JobSchema, screen: Screen): string {
  const {stream} = schema.scope
  const rows = datedFacts(schema).map(({path, types, always, told}) => [
    printable(path === '' ? '(the record)' : path),
    formatTypes(types),
    always ? 'yes' : 'no',
    told === undefined ? '-' : formatWhen(told.at, screen),
    told?.runId ?? '-',
  ])
  return `${nameOfStream(stream)}\n${formatTable(PATH_COLUMNS, rows, screen)}`
}

export const schemaShowMemberOf = (schema: JobSchema): SchemaShowDocument['streams'][number] => ({
  source_system: schema.scope.stream.sourceSystem,
  object_type: schema.scope.stream.objectType,
  paths: datedFacts(schema).map(({path, types, always, told}) => ({
    path,
    types,
    always,
    since: instant(told?.at ?? 0),
    run_id: told?.runId ?? '',
  })),
})

export interface DatedChange {
  readonly stream: Stream
  readonly event: SchemaEvent
  readonly change: SchemaChange
}

/** Gives what was told after a run, or at any time; what the first run of a stream found is no change. */
export function datedChanges(
  schemas: readonly JobSchema[],
  after?: {readonly runId: string; readonly at: number},
): readonly DatedChange[] {
  const changes = schemas.flatMap(({scope, events}) =>
    events
      .filter(({initial}) => !initial)
      .filter(({runId, at}) => after === undefined || (at >= after.at && runId !== after.runId))
      .flatMap((event) => event.changes.map((change) => ({stream: scope.stream, event, change}))),
  )
  return changes.toSorted((one, other) => one.event.at - other.event.at)
}

const CHANGE_COLUMNS: readonly Column[] = [
  {name: 'STREAM', wraps: true},
  {name: 'LOGGED'},
  {name: 'CHANGE', wraps: true},
  {name: ''},
  {name: 'RUN', leaves: 1},
]

export const formatDatedChanges = (changes: readonly DatedChange[], screen: Screen): string =>
  formatTable(
    CHANGE_COLUMNS,
    changes.map(({stream, event, change}) => [
      nameOfStream(stream),
      formatWhen(event.at, screen),
      printable(formatSchemaChange(change)),
      event.type === 'schema.changed' ? '' : wordOf(event),
      event.runId,
    ]),
    screen,
  )

export const diffMemberOf = ({stream, event, change}: DatedChange): SchemaDiffDocument['changes'][number] => ({
  at: instant(event.at),
  run_id: event.runId,
  event: wordOf(event),
  source_system: stream.sourceSystem,
  object_type: stream.objectType,
  ...changeMemberOf(change),
})

export const formatChanges = (stream: Stream, changes: readonly SchemaChange[]): string =>
  changes.map((change) => `${nameOfStream(stream)}  ${printable(formatSchemaChange(change))}  accepted`).join('\n')

export const acceptedMemberOf = (
  runId: string,
  stream: Stream,
  change: SchemaChange,
): SchemaAcceptDocument['accepted'][number] => ({
  run_id: runId,
  source_system: stream.sourceSystem,
  object_type: stream.objectType,
  ...changeMemberOf(change),
})

const instant = (at: number): string => new Date(at).toISOString()

const WORDS = {'schema.changed': 'changed', 'schema.refused': 'refused', 'schema.accepted': 'accepted'} as const
const wordOf = ({type}: SchemaEvent): (typeof WORDS)[SchemaEvent['type']] => WORDS[type]
