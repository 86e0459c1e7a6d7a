import {usageError} from '../base/errors.ts'
import type {EventType} from '../model/events.ts'
import {setNameOf, type TableSet} from '../model/tables.ts'

/** Events of these types tell that runs have stored rows, or of what is covered by them. */
export const TELL_OF_ROWS: readonly EventType[] = ['ingestion.completed', 'tables.seeded', 'state.carried']

/** The error of a table of records that somebody dropped or renamed, and left its log: runs would go on where the log ends. */
export function rowsAreMissed(tables: TableSet): Error {
  const {eventLog, rawObjects} = tables
  return usageError(
    `there is no table ${rawObjects}, and ${eventLog} tells of runs that stored rows in it: the next one would go on where they ended, and those rows would be missing`,
    {
      code: 'E_TABLE_MISSING',
      next:
        setNameOf(tables) === 'test'
          ? 'Nothing was written. Drop the rest of the test tables, and test again: lorchestra test drop'
          : `Nothing was written. Put the table back, from a copy or under the name that lorchestra.yaml gives. Or drop ${eventLog} as well: then everything is read again.`,
    },
  )
}
