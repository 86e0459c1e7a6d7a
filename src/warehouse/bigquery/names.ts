import {createHash} from 'node:crypto'

import type {Stream} from '../../source.ts'
import type {TableSet} from '../../model/tables.ts'

/** Temporary tables have names that begin so; each expires by itself. */
export const STAGING = 'lorchestra_staging_'
export const LEASE = 'lorchestra_lease_'

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)

/** Each stream of a table has one lease, whatever event log stands beside it. */
export const leaseName = (dataset: string, {rawObjects}: TableSet, {sourceSystem, objectType}: Stream): string =>
  `${LEASE}${digest(dataset, rawObjects, sourceSystem, objectType)}`

/** Begins the name of all that a run stages, and the ids of its jobs. */
export const stagingName = (dataset: string, runId: string): string => `${STAGING}${digest(dataset, runId)}`
