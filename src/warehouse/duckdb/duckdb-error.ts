import {existsSync} from 'node:fs'

import {failure, LorchestraError} from '../../base/errors.ts'
import {adviceFor} from './advice.ts'
import {backupOf} from './metadata-backup.ts'

const QUOTING_ERRORS = ['Conversion Error', 'Constraint Error', 'Invalid Input Error']

/** A block of the file does not fit its checksum. */
export const isTorn = (error: unknown): boolean => error instanceof Error && error.message.includes('checksum')

/** DuckDB quotes the value that it could not convert or insert, and values are payload. */
export function withoutValues(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LorchestraError) return error
  const kind = /^[A-Z][A-Za-z ]+ Error/.exec(error.message)?.[0]
  if (kind === undefined) return error
  const detail = QUOTING_ERRORS.includes(kind)
    ? withoutQuotes(kind, error.message)
    : (error.message.split('\n')[0] ?? kind)
  const advice = adviceFor(path, error.message)
  return failure(`DuckDB: ${detail}`, {
    code: 'E_WAREHOUSE_FAILED',
    next: [outcomeAfter(error.message), ...advice].join(' '),
  })
}

const withoutQuotes = (kind: string, message: string): string =>
  message.includes('Malformed JSON') ? `${kind}: a payload that the source gave is not the JSON of one object` : kind

/** A large COMMIT checkpoints, and where that fails it has written its .wal or not. */
const outcomeAfter = (message: string): string =>
  message.includes('create checkpoint')
    ? 'Whether this commit is in, event_log says; running again is safe.'
    : 'Nothing of this transaction was written.'

export function describeOpenError(path: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : ''
  if (text.includes('not a valid DuckDB database')) {
    return failure(`${path} is not a DuckDB database`, {
      code: 'E_DATABASE_BROKEN',
      next: 'Set warehouse.path to another file, or restore it.',
      cause: error,
    })
  }
  if (isTorn(error) && existsSync(backupOf(path))) {
    return failure(`a run that was killed left ${path} half written`, {
      code: 'E_DATABASE_BROKEN',
      next: 'Nothing is lost: the next run that writes, without --dry-run, mends it.',
      cause: error,
    })
  }
  const [advice = 'Check the path and its permissions.'] = adviceFor(path, text)
  return failure(`cannot open ${path}`, {
    code: 'E_WAREHOUSE_UNREACHABLE',
    next: `${advice} Nothing was written.`,
    cause: error,
  })
}
