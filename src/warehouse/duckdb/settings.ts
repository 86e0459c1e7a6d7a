import {resolve} from 'node:path'

import * as z from 'zod'

import {parseDuration} from '../../base/time.ts'
import {textSetting} from '../../config/text-setting.ts'
import type {KindSettings} from '../../config/warehouse-settings.ts'

export type DuckDBSettings = {
  /** It is absolute. */
  readonly path: string
  /** A duration: a run that has something to commit waits so long for whoever else has the file open. */
  readonly lockTimeout: string
  /** A duration: commits keep for so long what they change. */
  readonly undo: string
}

const PATH = 'lorchestra.duckdb'
const LOCK_TIMEOUT = '10m'
const UNDO = '7d'

const keys = {
  path: z
    .string()
    .min(1, 'a path must not be empty')
    .optional()
    .meta({description: 'The database file, relative to the folder of lorchestra.yaml.', default: PATH}),
  lock_timeout: textSetting(parseDuration).optional().meta({
    description:
      'A duration such as 90s or 2h. A run that has read everything and finds the file open in another program waits so long for it before it gives up; while it reads it goes on trying.',
    default: LOCK_TIMEOUT,
  }),
  undo: textSetting(parseDuration).optional().meta({
    description:
      'A duration such as 12h or 7d. Commits to production keep for so long what the rows that they change held before, so that `lorchestra runs undo` can give it back; 0s keeps nothing.',
    default: UNDO,
  }),
}

export const duckdbSettings: KindSettings<typeof keys, DuckDBSettings> = {
  keys,
  fallbacks: {},
  resolve: ({path = PATH, lock_timeout: lockTimeout = LOCK_TIMEOUT, undo = UNDO}, {folder}) => ({
    settings: {path: resolve(folder, path), lockTimeout, undo},
  }),
}
