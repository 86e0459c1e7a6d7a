import type {Event} from '../../../src/model/events.ts'

export interface MemoryRow {
  readonly sourceSystem: string
  readonly objectType: string
  readonly externalId: string
  readonly payload: unknown
  /** Milliseconds since 1970. */
  readonly firstSeen: number
  readonly lastSeen: number
}

/** The tables of one database; one that was never made is not in it. */
export interface MemoryDatabase {
  readonly eventLogs: Map<string, Event[]>
  /** Rows by idempotency key. */
  readonly rawObjects: Map<string, Map<string, MemoryRow>>
  /** The run that holds a stream of a table. */
  readonly leases: Map<string, {readonly runId: string; readonly claim: string | undefined}>
}

const databases = new Map<string, MemoryDatabase>()

/** Whoever names a database opens the same one. */
export function memoryDatabase(name: string): MemoryDatabase {
  const database = databases.get(name) ?? {eventLogs: new Map(), rawObjects: new Map(), leases: new Map()}
  databases.set(name, database)
  return database
}
