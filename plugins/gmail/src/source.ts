import type {Missed, Source} from 'lorchestra'

import {mailboxOf} from './check.ts'
import {estimate} from './estimate.ts'
import {extract} from './extract.ts'
import {idemKey} from './idem-key.ts'
import {canResume, currentBookmark} from './history.ts'
import {listKeys} from './keys.ts'
import {login} from './login.ts'
import {options, type Options} from './options.ts'
import {needsLogin} from './refresh-token.ts'

/** Windows go by when a message was received; it may be imported later, and come out of spam or under a label. */
const missedBy = ({include_spam_trash: readsAll, query, labels}: Options): readonly Missed[] =>
  readsAll && query === '' && labels === undefined ? ['late'] : ['late', 'moved']

const source: Source<Options> = {
  apiVersion: 1,
  name: 'gmail',
  summary: 'Messages of a Gmail mailbox',
  options,
  secrets: ['client_secret', 'refresh_token'],
  selection: ['query', 'include_spam_trash', 'labels'],
  narrowing: ['query', 'labels'],
  // The overlap costs little, as stored messages are not fetched again. Gmail began in April 2004.
  defaults: {overlap: '48h', slice: '30d', settle: '0s', earliest: '2004-04-01T00:00:00Z'},
  rateLimit: ({units_per_minute: unitsPerMinute}) => ({unitsPerMinute}),
  streams: (chosen) => [{objectType: 'email', windowed: true, misses: missedBy(chosen)}],
  idemKey,
  estimate,
  extract,
  listKeys,
  currentBookmark,
  canResume,
  check: mailboxOf,
  needsLogin,
  login,
}

export default source
