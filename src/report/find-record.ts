import {failure} from '../base/errors.ts'
import {streamOfKey} from '../model/idem-key.ts'
import {TEST_TABLE_FLAG} from '../model/run-mode.ts'
import {testTablesOf, type ProductionTables, type TableSet} from '../model/tables.ts'
import type {RecordKey, StoredRecord, StoredRow, Warehouse} from '../warehouse/warehouse.ts'

export interface FoundRecord extends RecordKey {
  readonly table: string
  readonly row: StoredRow
  readonly events: StoredRecord['events']
}

/** Finds the record in one table set. Throws a failure that says where it is instead, or what keys look like. */
export async function findRecord(
  warehouse: Warehouse,
  production: ProductionTables,
  idemKey: string,
  {testTable}: {readonly testTable: boolean},
): Promise<FoundRecord> {
  const tables = testTable ? testTablesOf(production) : production
  const unknown = (next: string): Error =>
    failure(`there is no record ${JSON.stringify(idemKey)} in ${tables.rawObjects}`, {code: 'E_KEY_UNKNOWN', next})
  const stream = streamOfKey(idemKey)
  if (stream === undefined) throw unknown(await formatPrefixes(warehouse, tables))
  const key = {idemKey, stream}
  const {row, events} = await warehouse.readRecord(tables, key)
  if (row !== undefined) return {...key, table: tables.rawObjects, row, events}
  const rejected = events.findLast(({type}) => type === 'record.rejected')
  if (rejected !== undefined)
    throw unknown(
      `It was rejected at ${new Date(rejected.at).toISOString()}: ${rejected.error ?? 'no reason was given'}`,
    )
  const other = await warehouse.readRecord(testTable ? production : testTablesOf(production), key)
  if (other.row !== undefined)
    throw unknown(
      testTable
        ? `It is in the production table: leave --${TEST_TABLE_FLAG} out.`
        : `It is in the test tables: pass --${TEST_TABLE_FLAG}.`,
    )
  throw unknown(await formatPrefixes(warehouse, tables))
}

async function formatPrefixes(warehouse: Warehouse, tables: TableSet): Promise<string> {
  const {streams} = await warehouse.describe(tables)
  const prefixes = new Set(streams.map(({stream}) => `${stream.objectType}:${stream.sourceSystem}:`))
  const there = prefixes.size === 0 ? 'no stream was read into these tables yet' : `here ${[...prefixes].join(', ')}`
  return `A key begins with the object type and the source system, ${there}. \`lorchestra query\` finds keys.`
}
