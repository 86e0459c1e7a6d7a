import {bigquery} from './bigquery/kind.ts'
import {duckdb} from './duckdb/kind.ts'
import type {WarehouseKind} from './kind.ts'

/** The kinds stand in the order in which they are offered, and the first one is the default. */
export type WarehouseKinds = readonly [WarehouseKind, ...WarehouseKind[]]

export const WAREHOUSE_KINDS: WarehouseKinds = [duckdb, bigquery]

/** The kind that lorchestra.yaml calls `type`. Throws where there is none: no other one may take its place. */
export function kindOf({type}: {readonly type: string}): WarehouseKind {
  const kind = WAREHOUSE_KINDS.find((one) => one.type === type)
  if (kind === undefined) throw new Error(`there is no kind of warehouse that is called ${type}`)
  return kind
}
