import type {SettingsKind, WarehouseSettings} from '../config/warehouse-settings.ts'
import type {PayloadLimits} from '../model/payload-limits.ts'
import type {Writes} from '../model/tables.ts'
import type {Warehouse} from './warehouse.ts'

/**
 * A descriptor holds all that the program knows of a kind of warehouse. A kind is a folder whose `kind.ts` exports one,
 * and a place in `kinds.ts`. `kind.ts` itself loads nothing that is slow: `loadSettings`, `load` and `open` import what
 * they need.
 */
export interface WarehouseKind<Settings extends WarehouseSettings = WarehouseSettings> extends SettingsKind {
  /** Says who makes production's tables: every run that misses them, or `lorchestra warehouse create` alone. */
  readonly productionTables: 'made by runs' | 'made by command'
  readonly payloadLimits: PayloadLimits
  readonly commitAfter: CommitSize
  readonly starter: WarehouseStarter
  /** Loads the client, which is slow, and contacts nothing: a run does it while the box of its source starts. */
  load(): Promise<unknown>
  /** Names the place where the tables are, so that a plan that was made for one is not applied to another. */
  placeOf(settings: Settings): string
  /** Names the files by which processes keep each other from a warehouse that is itself a file. */
  lockFiles?(settings: Settings): Promise<readonly string[]>
  /** Opens nothing yet. The settings are those that `loadSettings` resolved. */
  open(settings: Settings, options: OpenOptions): Promise<Warehouse>
}

/** A run commits at the end of the slice that reaches one of these. */
export interface CommitSize {
  readonly records: number
  readonly milliseconds: number
}

/** `lorchestra init` writes these where the kind is taken, and in comments where another one is. */
export interface WarehouseStarter {
  /** It is the whole `warehouse:` of lorchestra.yaml, with a line end. */
  readonly yaml: string
  /** It says `NAME=` for each variable in `yaml`, a line each, and is empty where there is none. */
  readonly environment: string
  /** No version control should hold these files: patterns of a `.gitignore`. */
  readonly ignored: readonly string[]
}

export interface OpenOptions {
  /** The client puts here what does not fit into memory. */
  readonly temporaryFolder: string
  /** The most that is going to be written: the warehouse may have a right to no more. */
  readonly writes: Writes
  /** It ends every wait of reading and of beginning a run; a commit that has begun goes on. */
  readonly signal: AbortSignal
  /** Hears who keeps a run from the warehouse, by the name of a program, and `undefined` when it was let in. */
  readonly heldBy?: ((holder: string | undefined) => void) | undefined
}
