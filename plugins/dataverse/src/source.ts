import type {Missed, Source} from 'lorchestra'

import {canResume, currentBookmark} from './changes.ts'
import {check} from './check.ts'
import {extract} from './extract.ts'
import {idemKey} from './idem-key.ts'
import {listKeys} from './keys.ts'
import {login} from './login.ts'
import {objectTypeOf, options, type Options} from './options.ts'
import {needsLogin} from './token-cache.ts'

/** A row may be written with a time that is long past, and come under the filter without a new one. */
const missedBy = ({full, filter}: Options): readonly Missed[] => {
  if (full) return []
  return filter === undefined ? ['late'] : ['late', 'moved']
}

const source: Source<Options> = {
  apiVersion: 1,
  name: 'dataverse',
  summary: 'Rows of a Dataverse table',
  options,
  secrets: ['client_secret'],
  selection: ['entity', 'entity_set', 'filter', 'cursor_field', 'full'],
  // The others say how rows are found, and of which table they are.
  narrowing: ['filter'],
  // The overlap finds rows that were committed long after their modifiedon was set. The first release was of 2003.
  defaults: {overlap: '10m', slice: '30d', settle: '0s', earliest: '2003-01-01T00:00:00Z'},
  streams: (chosen) => [{objectType: objectTypeOf(chosen), windowed: !chosen.full, misses: missedBy(chosen)}],
  idemKey,
  extract,
  listKeys,
  currentBookmark,
  canResume,
  check,
  needsLogin,
  login,
}

export default source
