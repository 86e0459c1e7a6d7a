import {counted} from '../base/counted.ts'
import {printable} from '../base/printable.ts'
import type {JsonChange} from '../base/json-difference.ts'
import {pointerTo} from '../base/json-pointer.ts'
import type {Diff, UpdatedSample} from '../sink/diff.ts'
import type {ComparedCounts, InsertedSample} from '../warehouse/comparison.ts'
import type {JsonValue} from '../source.ts'
import type {DiffMember} from './documents/diff.ts'

const VALUE_CHARACTERS = 120
const PATHS_SHOWN = 12
const NUMBER = new Intl.NumberFormat('en-US')
const LIST = new Intl.ListFormat('en', {type: 'conjunction'})

type Masked = (text: string) => string

export interface DiffContext {
  /** The run wrote what the diff tells. */
  readonly isWritten: boolean
  readonly rejected: number
  /** The number of records that were not fetched because their keys are stored. */
  readonly known: number
  readonly maskSecrets: Masked
}

/** Gives the lines that tell what a run would change, or changed. */
export function formatDiff(diff: Diff, context: DiffContext): readonly string[] {
  const {table, tableExists, at, byObjectType, counts} = diff
  return [
    `${formatCounts(counts, context)}${formatOthers(diff, context)}`,
    ...(byObjectType.size > 1
      ? [...byObjectType].map(([objectType, each]) => `  ${objectType}: ${formatCounts(each, context)}`)
      : []),
    tableExists
      ? `compared with ${table} as it was at ${at.toISOString()}`
      : `compared with nothing: there is no ${table} yet`,
    ...formatKnown(context),
    ...formatMoved(diff),
    ...formatPaths(diff),
    ...diff.updated.flatMap((sample) => formatUpdated(sample, context.maskSecrets)),
    ...diff.inserted.map((sample) => formatInserted(sample, context.maskSecrets)),
    ...diff.deleted.keys.map((key) => `- ${masked(key, context.maskSecrets)}`),
    ...formatMore(diff),
  ]
}

/** Gives the member `diff` of a run in the document of `--json`. */
export function diffMemberOf(diff: Diff, {rejected, known, maskSecrets}: DiffContext): DiffMember {
  const {table, tableExists, at, counts, byObjectType, moved} = diff
  return {
    compared: {table, exists: tableExists, at: at.toISOString()},
    counts: {...counts, rejected, known, delete: diff.deleted.count},
    by_object_type: [...byObjectType].map(([objectType, each]) => ({object_type: objectType, ...each})),
    paths: diff.paths.map(({path, records}) => ({path: maskSecrets(path), records})),
    changes_elsewhere: diff.changesElsewhere,
    samples: samplesOf(diff, maskSecrets),
    moved: moved === undefined ? null : {run_id: moved.runId ?? null},
  }
}

/** Gives the rows that are shown, of each kind. */
export const samplesOf = (
  diff: Pick<Diff, 'updated' | 'inserted' | 'deleted'>,
  maskSecrets: Masked,
): DiffMember['samples'] => [
  ...diff.updated.map(({idemKey, lastSeen, changes}) => ({
    idem_key: maskSecrets(idemKey),
    kind: 'update' as const,
    last_seen: lastSeen.toISOString(),
    changes: changes.map(({op, path, from, to}) => ({
      op,
      path: maskSecrets(pointerTo(path)),
      ...(from !== undefined && {from: cut(maskSecrets(JSON.stringify(from)))}),
      ...(to !== undefined && {to: cut(maskSecrets(JSON.stringify(to)))}),
    })),
  })),
  ...diff.inserted.map(({idemKey, payload}) => ({
    idem_key: maskSecrets(idemKey),
    kind: 'insert' as const,
    payload: cut(maskSecrets(payload)),
  })),
  ...diff.deleted.keys.map((key) => ({idem_key: maskSecrets(key), kind: 'delete' as const})),
]

function formatCounts({insert, update, unchanged, newer}: ComparedCounts, {isWritten}: DiffContext): string {
  const all = unchanged + newer
  const notes = newer > 0 ? ` (${NUMBER.format(newer)} of them newer in the table)` : ''
  const [inserted, updated, left] = [insert, update, all].map((count) => NUMBER.format(count))
  return isWritten
    ? `inserted ${inserted}, updated ${updated}, left ${left} unchanged${notes}`
    : `would insert ${inserted}, update ${updated}, leave ${left} unchanged${notes}`
}

function formatOthers({counts: {duplicate}, deleted}: Diff, {rejected, isWritten}: DiffContext): string {
  const duplicates = counted(duplicate, 'duplicate')
  const deletions =
    deleted.count === 0
      ? ''
      : `; ${isWritten ? 'logged' : 'would log'} ${NUMBER.format(deleted.count)} as deleted, whose rows stay`
  return `; ${duplicates}, ${NUMBER.format(rejected)} rejected${deletions}`
}

const formatKnown = ({known}: DiffContext): readonly string[] =>
  known === 0
    ? []
    : [`${NUMBER.format(known)} stored already were neither fetched nor compared: --refetch compares them, too`]

function formatMoved({moved, table}: Diff): readonly string[] {
  if (moved === undefined) return []
  const who = moved.runId === undefined ? 'somebody who logged nothing' : `run ${moved.runId}`
  return [`${table} was changed while this was read (${who}): a run now may do something else`]
}

export function formatPaths({counts: {update}, paths, changesElsewhere}: Diff): readonly string[] {
  if (paths.length === 0) return []
  const shown = paths.slice(0, PATHS_SHOWN).map(({path, records}) => `${printable(path)} ${NUMBER.format(records)}`)
  const more = paths.length - shown.length
  const rest = more > 0 || changesElsewhere > 0 ? `   and ${changesElsewhere > 0 ? 'many' : more} more paths` : ''
  const updates = update === 1 ? 'the update changes' : `the ${NUMBER.format(update)} updates change`
  return [`${updates}   ${shown.join('   ')}${rest}`]
}

export const formatInserted = ({idemKey, payload}: InsertedSample, maskSecrets: Masked): string =>
  `+ ${masked(idemKey, maskSecrets)}  ${masked(payload, maskSecrets)}`

export function formatUpdated({idemKey, lastSeen, changes}: UpdatedSample, maskSecrets: Masked): readonly string[] {
  return [
    `~ ${masked(idemKey, maskSecrets)} (last seen ${lastSeen.toISOString()})`,
    ...changes.map((change) => `    ${formatChange(change, maskSecrets)}`),
  ]
}

function formatChange({op, path, from, to}: JsonChange, maskSecrets: Masked): string {
  const [former, latter] = [from, to].map((value) => (value === undefined ? '' : jsonText(value, maskSecrets)))
  const values = op === 'replace' ? `${former} → ${latter}` : op === 'add' ? latter : former
  return `${op} ${printable(maskSecrets(pointerTo(path)))}   ${values}`
}

export function formatMore({counts, inserted, updated, deleted}: Diff): readonly string[] {
  const more = [
    [counts.insert - inserted.length, 'insert'],
    [counts.update - updated.length, 'update'],
    [deleted.count - deleted.keys.length, 'deletion'],
  ] as const
  const parts = more
    .filter(([count]) => count > 0)
    .map(([count, noun]) => `${NUMBER.format(count)} more ${noun}${count === 1 ? '' : 's'}`)
  return parts.length === 0 ? [] : [`${LIST.format(parts)}: --diff-samples 50`]
}

const jsonText = (value: JsonValue, maskSecrets: Masked): string => masked(JSON.stringify(value), maskSecrets)

/** Cut after it is masked, so that no part of a secret is left. */
const masked = (text: string, maskSecrets: Masked): string => printable(cut(maskSecrets(text)))

function cut(text: string): string {
  const rest = text.length - VALUE_CHARACTERS
  return rest > 0 ? `${text.slice(0, VALUE_CHARACTERS)}… (${NUMBER.format(rest)} more)` : text
}
