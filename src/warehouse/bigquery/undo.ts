import {failure} from '../../base/errors.ts'

/** Makes the error for what is still to come. */
export const notYet = (): Error =>
  failure('runs cannot be undone in BigQuery yet', {
    code: 'E_UNDO_REFUSED',
    next: 'Nothing was written. Read again what is wrong, with --full or --since.',
  })
