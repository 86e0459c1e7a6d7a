import type {Source} from 'lorchestra'

import {login} from './auth/login.ts'
import {isSignedIn} from './auth/refresh-token.ts'
import {check} from './check.ts'
import {explore} from './explore.ts'
import {extract} from './extract.ts'
import {idemKey} from './idem-key.ts'
import {options, type Options} from './options/options.ts'
import {starter} from './starter.ts'
import {accountOptions, isWindowed, selectionOf, settingsOf} from './settings.ts'

const NO_LIMIT = Number.MAX_SAFE_INTEGER

const source: Source<Options> = {
  apiVersion: 1,
  name: 'rest',
  summary: 'Records of any API that answers with JSON',
  options,
  secrets: ['auth.token', 'auth.key', 'auth.password', 'auth.client_secret', 'auth.refresh_token'],
  // The overlap finds records that the service shows later than their time says.
  defaults: {overlap: '10m'},
  starter,
  rateLimit: (given) => ({unitsPerMinute: settingsOf(given).unitsPerMinute ?? NO_LIMIT}),
  streams: (given) => {
    const settings = settingsOf(given)
    return [...settings.streams.values()]
      .filter(({wanted}) => wanted)
      .map((stream) => ({
        objectType: stream.objectType,
        windowed: isWindowed(stream, settings),
        separate: true,
        selection: selectionOf(stream, settings),
      }))
  },
  idemKey,
  extract,
  check,
  explore,
  needsLogin: async ({options: given, secrets}) => {
    const {auth} = accountOptions(given)
    return auth?.type === 'oauth2_refresh_token' && !(await isSignedIn(auth, secrets))
  },
  login,
}

export default source
