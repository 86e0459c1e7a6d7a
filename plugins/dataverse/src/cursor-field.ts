import type {SourceContext} from 'lorchestra'

import {get} from './api.ts'
import type {Options} from './options.ts'
import {addressOf, rowsIn} from './rows.ts'
import type {Table} from './table.ts'

const TIME = /^\d{4}-\d\d-\d\dT/
/** This column is Dataverse's own time, in each table that has it. */
const SURE = 'modifiedon'

/** Tells whether every row has the time. */
export const isSure = ({cursor_field: column}: Options): boolean => column === SURE

const looked = new WeakSet<Options>()

/** Some servers compare a column of text as text, and then no row is ever in a window. Asks for one row, once in a run. */
export async function assertHoldsTimes(context: SourceContext<Options>, {entitySet}: Table): Promise<void> {
  const {options} = context
  const {cursor_field: column, entity} = options
  if (isSure(options) || looked.has(options)) return
  const address = addressOf(entitySet, {$select: column, $filter: `${column} ne null`, $top: '1'})
  const value = rowsIn(await get(context, address, {listInParts: 'value'})).first?.[column]
  if (value !== undefined && !(typeof value === 'string' && TIME.test(value)))
    throw new Error(
      `${column} of ${entity} holds no times. Set cursor_field to a column of date and time, or full: true`,
    )
  looked.add(options)
}
