import {access, constants} from 'node:fs/promises'
import {dirname} from 'node:path'

import {failure} from '../../base/errors.ts'
import {isThere} from './description.ts'

/** Throws where a run could not write the database at the path; where there is none, where it could not make it. */
export async function assertIsWritable(path: string): Promise<void> {
  // DuckDB makes its .wal beside the file, and a run the folders above it.
  let folder = dirname(path)
  while (!(await isThere(folder))) folder = dirname(folder)
  for (const place of (await isThere(path)) ? [path, folder] : [folder]) {
    try {
      await access(place, constants.W_OK)
    } catch (error) {
      throw failure(`${place} cannot be written`, {
        code: 'E_PERMISSION_DENIED',
        next: 'Give this user the right to write it, or set warehouse.path. Nothing was written.',
        cause: error,
      })
    }
  }
}
