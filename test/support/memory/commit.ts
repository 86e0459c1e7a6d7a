import {readFile} from 'node:fs/promises'

import {CLOCK_TOLERANCE} from '../../../src/model/clock.ts'
import type {Event} from '../../../src/model/events.ts'
import type {TableSet} from '../../../src/model/tables.ts'
import type {CommitBatch} from '../../../src/warehouse/commit-batch.ts'
import type {CommitResult} from '../../../src/warehouse/warehouse.ts'
import type {CommitCounts, RowCounts} from '../../../src/warehouse/commit-batch.ts'
import type {SpooledRecord} from '../../../src/warehouse/record-lines.ts'
import type {MemoryDatabase, MemoryRow} from './tables.ts'

const NONE: RowCounts = {inserted: 0, updated: 0, unchanged: 0, duplicates: 0}

/** Works out everything before it changes anything. */
export async function commitBatch(
  database: MemoryDatabase,
  tables: TableSet,
  batch: CommitBatch,
  events: (counts: CommitCounts) => readonly Event[],
): Promise<CommitResult> {
  const records = (await linesOf([...batch.records, ...batch.loneRecords])) as readonly SpooledRecord[]
  if (records.length !== batch.rows) throw new Error(`${batch.rows} records were spooled but ${records.length} arrived`)
  const spooled = (await linesOf(batch.events)) as readonly Event[]
  const log = database.eventLogs.get(tables.eventLog) ?? []
  const stored = database.rawObjects.get(tables.rawObjects) ?? new Map<string, MemoryRow>()
  const counts = new Map<string, RowCounts>()
  const count = (objectType: string, kind: keyof RowCounts): void => {
    const before = counts.get(objectType) ?? NONE
    counts.set(objectType, {...before, [kind]: before[kind] + 1})
  }
  const startedAt = batch.runStartedAt.getTime()
  const written = new Map<string, MemoryRow>()
  for (const [key, record] of latestOf(records, (objectType) => count(objectType, 'duplicates'))) {
    const row = rowOf(record, startedAt)
    const before = stored.get(key)
    const changed = before !== undefined && JSON.stringify(before.payload) !== JSON.stringify(row.payload)
    const older = before !== undefined && before.lastSeen <= startedAt + CLOCK_TOLERANCE
    count(record.object_type, before === undefined ? 'inserted' : changed && older ? 'updated' : 'unchanged')
    if (before === undefined) written.set(key, row)
    else if (older) {
      const lastSeen = changed ? startedAt : Math.max(startedAt, before.lastSeen)
      written.set(key, {...row, firstSeen: before.firstSeen, lastSeen})
    }
  }
  const arriving = [...spooled, ...events(counts)]
  for (const {created_at: at} of arriving) if (Number.isNaN(Date.parse(at))) throw new Error(`${at} is no time`)
  const rejected = new Set(rejectsIn(log))
  const firstRejects = new Set(rejectsIn(spooled).filter((reject) => !rejected.has(reject))).size
  for (const [key, row] of written) stored.set(key, row)
  log.push(...arriving)
  return {counts, firstRejects}
}

async function linesOf(files: readonly string[]): Promise<readonly unknown[]> {
  const lines: unknown[] = []
  for (const file of files) {
    for (const line of (await readFile(file, 'utf8')).split('\n')) if (line !== '') lines.push(JSON.parse(line))
  }
  return lines
}

function latestOf(records: readonly SpooledRecord[], duplicate: (objectType: string) => void) {
  const latest = new Map<string, SpooledRecord>()
  for (const record of records) {
    const other = latest.get(record.idem_key)
    if (other !== undefined) duplicate(record.object_type)
    if (other === undefined || other.sequence < record.sequence) latest.set(record.idem_key, record)
  }
  return latest
}

const rowOf = (record: SpooledRecord, at: number): MemoryRow => ({
  sourceSystem: record.source_system,
  objectType: record.object_type,
  externalId: record.external_id,
  payload: record.payload,
  firstSeen: at,
  lastSeen: at,
})

const rejectsIn = (events: readonly Event[]): readonly string[] =>
  events
    .filter(({event_type: type}) => type === 'record.rejected')
    .map((event) => JSON.stringify([event.source_system, event.object_type, event.payload?.['reference']]))
