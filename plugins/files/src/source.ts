import type {JsonValue, Source} from 'lorchestra'

import {extract} from './extract.ts'
import {idemKey} from './idem-key.ts'
import {options, settingsOf, type Options, type StreamSettings} from './options.ts'

/** What is not said is left out. */
const asJson = (settings: StreamSettings): JsonValue => JSON.parse(JSON.stringify(settings)) as JsonValue

const source: Source<Options> = {
  apiVersion: 1,
  name: 'files',
  summary: 'Records in files',
  options,
  starter: {
    account: '# encoding: windows-1252 # how text files are written that are not UTF-8',
    job: `object: record # what kind of thing a record is
path: incoming/*.csv # files, or a pattern of files, in a folder of their own
key: [id] # the columns that name a record for ever, or content`,
  },
  // Whatever is said anew of a stream has its files read from their beginning, and those of no other one.
  streams: (given) =>
    settingsOf(given).map((settings) => ({
      objectType: settings.objectType,
      windowed: settings.window !== undefined,
      separate: true,
      selection: asJson(settings),
    })),
  idemKey,
  extract,
}

export default source
