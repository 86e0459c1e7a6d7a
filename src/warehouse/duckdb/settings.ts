import {resolve} from 'node:path'

import * as z from 'zod'

import type {KindSettings} from '../../config/warehouse-settings.ts'

export type DuckDBSettings = {
  /** It is absolute. */
  readonly path: string
}

const PATH = 'lorchestra.duckdb'

const keys = {
  path: z
    .string()
    .min(1, 'a path must not be empty')
    .optional()
    .meta({description: 'The database file, relative to the folder of lorchestra.yaml.', default: PATH}),
}

export const duckdbSettings: KindSettings<typeof keys, DuckDBSettings> = {
  keys,
  fallbacks: {},
  resolve: ({path = PATH}, {folder}) => ({settings: {path: resolve(folder, path)}}),
}
