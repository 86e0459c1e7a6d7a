import {createHash} from 'node:crypto'

import type {Stream} from '../../source.ts'
import {isTestTable, setNameOf, type TableSet, type TableSetName} from '../../model/tables.ts'

/** Temporary tables have names that begin so; each expires by itself. Those of test runs can be told by their names. */
export const STAGING: Readonly<Record<TableSetName, string>> = {
  production: 'lorchestra_staging_',
  test: 'lorchestra_test_staging_',
}
export const LEASE: Readonly<Record<TableSetName, string>> = {
  production: 'lorchestra_lease_',
  test: 'lorchestra_test_lease_',
}

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)

/** Each stream of a table has one lease, whatever event log stands beside it. */
export const leaseName = (dataset: string, tables: TableSet, {sourceSystem, objectType}: Stream): string =>
  `${LEASE[setNameOf(tables)]}${digest(dataset, tables.rawObjects, sourceSystem, objectType)}`

/** Begins the name of all that a run into these tables stages, and the ids of its jobs. */
export const stagingName = (dataset: string, tables: TableSet, runId: string): string =>
  `${STAGING[setNameOf(tables)]}${digest(dataset, runId)}`

/** The datasets of a project that tables lie in. */
export interface Datasets {
  readonly project: string
  readonly dataset: string
  /** Whatever test runs make lies here; in `dataset` where it is left out. */
  readonly testDataset?: string
  /** What is staged lies here; beside the tables where it is left out. */
  readonly stagingDataset?: string
}

/** The service names a table so. */
export interface TableReference {
  readonly projectId: string
  readonly datasetId: string
  readonly tableId: string
}

/** Says in which dataset a table lies: its name alone tells, so that nobody can mean another one. */
export function datasetOf({dataset, testDataset, stagingDataset}: Datasets, table: string): string {
  if (table.startsWith(STAGING.test)) return testDataset ?? stagingDataset ?? dataset
  if (table.startsWith(STAGING.production)) return stagingDataset ?? dataset
  return isTestTable(table) || table.startsWith(LEASE.test) ? (testDataset ?? dataset) : dataset
}

/** Gives the name by which statements call a table, without quotes. */
export const nameIn = (datasets: Datasets, table: string): string =>
  `${datasets.project}.${datasetOf(datasets, table)}.${table}`
