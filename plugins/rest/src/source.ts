import type {Source} from 'lorchestra'

import {login} from './auth/login.ts'
import {isSignedIn} from './auth/refresh-token.ts'
import {check} from './check.ts'
import {extract} from './extract.ts'
import {idemKey} from './idem-key.ts'
import {options, type Options} from './options/options.ts'
import {accountOptions, isWindowed, settingsOf} from './settings.ts'

const source: Source<Options> = {
  apiVersion: 1,
  name: 'rest',
  summary: 'Records of any API that answers with JSON',
  options,
  secrets: ['auth.token', 'auth.key', 'auth.password', 'auth.client_secret', 'auth.refresh_token'],
  selection: [
    'preset',
    'values',
    'object',
    'path',
    'method',
    'params',
    'body',
    'records',
    'window',
    'changes',
    'for_each',
    'streams',
  ],
  // The overlap finds records that the service shows later than their time says.
  defaults: {overlap: '10m'},
  rateLimit: (given) => ({unitsPerMinute: settingsOf(given).unitsPerMinute ?? Infinity}),
  streams: (given) => {
    const settings = settingsOf(given)
    return [...settings.streams.values()]
      .filter(({wanted}) => wanted)
      .map((stream) => ({objectType: stream.objectType, windowed: isWindowed(stream, settings), misses: []}))
  },
  idemKey,
  extract,
  check,
  needsLogin: async ({options: given, secrets}) => {
    const {auth} = accountOptions(given)
    return auth?.type === 'oauth2_refresh_token' && !(await isSignedIn(auth, secrets))
  },
  login,
}

export default source
