import {usageError} from '../base/errors.ts'
import type {ColumnDefinition, ColumnType, TableDefinition} from '../model/tables.ts'

/** A column of a table that is there. */
export interface Column {
  readonly type: string
  readonly nullable: boolean
}

/** A warehouse's own words for what a column must be. */
export interface ColumnWords {
  readonly types: Readonly<Record<ColumnType, string>>
  readonly required: string
  readonly nullable: string
}

/** Why a table cannot hold what lorchestra writes. */
export interface Difference {
  readonly text: string
  /** The column that would end it. */
  readonly addable?: ColumnDefinition
}

export function* columnDifferences(
  definition: TableDefinition,
  columns: ReadonlyMap<string, Column>,
  words: ColumnWords,
): Generator<Difference> {
  for (const wanted of definition.columns) {
    const found = columns.get(wanted.name)
    const type = words.types[wanted.type]
    const column = `column ${wanted.name}`
    if (found === undefined) {
      yield {text: `${column} (${type}) is missing`, ...(!wanted.required && {addable: wanted})}
    } else if (found.type !== type) yield {text: `${column} is ${found.type}, not ${type}`}
    else if (wanted.required && found.nullable) yield {text: `${column} must ${words.required}`}
    else if (!wanted.required && wanted.alwaysWritten === undefined && !found.nullable) {
      yield {text: `${column} must ${words.nullable}`}
    }
  }
  const ours = new Set(definition.columns.map(({name}) => name))
  for (const [name, {nullable}] of columns) {
    if (!ours.has(name) && !nullable) yield {text: `column ${name} is not lorchestra's and must ${words.nullable}`}
  }
}

/** Throws for a table that differs. */
export function assertNoDifferences(table: string, differences: readonly Difference[]): void {
  if (differences.length === 0) return
  throw usageError(
    `the table ${table} is not one that lorchestra can write: ${differences.map(({text}) => text).join('; ')}`,
    {
      code: 'E_TABLE_INCOMPATIBLE',
      next: differences.every(({addable}) => addable !== undefined)
        ? 'Add what is missing with: lorchestra warehouse create --add-columns'
        : 'Name another table in lorchestra.yaml (event_log, raw_objects), or change this one; a run never alters it.',
    },
  )
}

/** The nullable columns that a table lacks. Throws for one that differs in anything else. */
export function addableColumns(table: string, differences: readonly Difference[]): readonly ColumnDefinition[] {
  const addable = differences.flatMap((difference) => difference.addable ?? [])
  if (addable.length < differences.length) assertNoDifferences(table, differences)
  return addable
}

/** The error of a test table that is no copy of production's. `drop` is the command that removes it. */
export const noCopy = (test: string, production: string, difference: string, drop: string): Error =>
  usageError(`the test table ${test} has another definition than ${production}: ${difference}`, {
    code: 'E_TABLE_INCOMPATIBLE',
    next: `Drop the test table (${drop}), then the rest of them (lorchestra test drop), and run again: they are made anew, as production's are.`,
  })
