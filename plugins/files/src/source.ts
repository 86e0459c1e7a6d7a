import type {Source} from 'lorchestra'

import {extract} from './extract.ts'
import {idemKey} from './idem-key.ts'
import {options, settingsOf, type Options} from './options.ts'

const source: Source<Options> = {
  apiVersion: 1,
  name: 'files',
  summary: 'Records in files',
  options,
  // Other files, and files that are read otherwise, are read from their beginning.
  selection: [
    'path',
    'object',
    'key',
    'window',
    'format',
    'streams',
    'encoding',
    'delimiter',
    'quote',
    'header',
    'columns',
    'skip_lines',
    'types',
  ],
  streams: (given) => settingsOf(given).map(({objectType, window}) => ({objectType, windowed: window !== undefined})),
  idemKey,
  extract,
}

export default source
