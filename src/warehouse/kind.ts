import type {SettingsKind, WarehouseSettings} from '../config/warehouse-settings.ts'
import type {Warehouse} from './warehouse.ts'

/**
 * All that the program knows of a kind of warehouse. A kind is a folder with a `kind.ts` that exports one of these, and
 * its place in `kinds.ts`. `kind.ts` itself loads nothing that is slow; `loadSettings` and `open` import what they need.
 */
export interface WarehouseKind<Settings extends WarehouseSettings = WarehouseSettings> extends SettingsKind {
  /** Who makes production's tables: every run that misses them, or `lorchestra warehouse create` alone. */
  readonly productionTables: 'made by runs' | 'made by command'
  readonly payloadLimits: PayloadLimits
  readonly commitAfter: CommitSize
  readonly starter: WarehouseStarter
  /** Loads the client, and opens nothing yet. The settings are those that `loadSettings` resolved. */
  open(settings: Settings, options: OpenOptions): Promise<Warehouse>
}

/** What a warehouse can hold: one payload beyond it would fail all that is loaded with it. */
export interface PayloadLimits {
  /** How deeply a payload is nested at most. */
  readonly levels: number
  /** How long its JSON text is at most, in bytes of UTF-8. */
  readonly bytes: number
  /** Whether it may hold numbers that are neither 64-bit integers nor doubles. */
  readonly wideNumbers: boolean
}

/** A run commits at the end of the slice that reaches one of these. */
export interface CommitSize {
  readonly records: number
  readonly milliseconds: number
}

/** What `lorchestra init` writes of a kind; the same in comments where another kind is taken. */
export interface WarehouseStarter {
  /** The whole `warehouse:` of lorchestra.yaml, with a line end. */
  readonly yaml: string
  /** `NAME=` for each variable in it, a line each; empty where there is none. */
  readonly environment: string
}

export interface OpenOptions {
  /** For what does not fit into memory. */
  readonly temporaryFolder: string
  /** Ends every wait of reading and of beginning a run; a commit that has begun goes on. */
  readonly signal: AbortSignal
}
