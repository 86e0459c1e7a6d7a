import {plainScreen} from '../src/base/screen.ts'
import {formatTable} from '../src/report/text-table.ts'

/** Formats rows, of which the first has the names of the columns. */
export const plainTable = ([names = [], ...rows]: readonly (readonly string[])[]): string =>
  formatTable(
    names.map((name) => ({name})),
    rows,
    plainScreen(),
  )
