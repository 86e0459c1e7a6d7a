import {writesProduction, type RunMode} from '../model/run-mode.ts'
import {testTablesOf, type ProductionTables} from '../model/tables.ts'
import type {EndOfRun} from '../warehouse/wanted-runs.ts'
import type {RunEvent, Warehouse} from '../warehouse/warehouse.ts'
import {pastRuns, readPastRuns, type PastRun} from './past-runs.ts'
import {LATEST, severalRuns, unknownRun} from './run-name.ts'

export interface ListedRuns {
  readonly job: string | undefined
  readonly mode: RunMode | undefined
  readonly outcome: PastRun['outcome'] | undefined
  /** They began then or later; milliseconds since 1970. */
  readonly since: number | undefined
  readonly limit: number
}

/** Whether a run without an end goes on is seen at its process, not in the log; there are few of them. */
const MOST_OPEN = 1000

/** Reads the newest runs that are as wanted, newest first. */
export async function listPastRuns(
  warehouse: Warehouse,
  tables: ProductionTables,
  {job, mode, outcome, since, limit}: ListedRuns,
): Promise<readonly PastRun[]> {
  const ended = outcome === undefined ? undefined : endOf(outcome)
  const wanted = {
    ...(job !== undefined && {job}),
    ...(since !== undefined && {since}),
    ...(ended !== undefined && {ended}),
    limit: ended === 'open' ? Math.max(limit, MOST_OPEN) : limit,
  }
  const test = testTablesOf(tables)
  const sets = mode === undefined ? [tables, test] : [writesProduction(mode) ? tables : test]
  const events: RunEvent[] = []
  for (const set of sets) events.push(...(await warehouse.readRunEvents(set, wanted)))
  const runs = await pastRuns(events)
  return runs.filter((run) => outcome === undefined || run.outcome === outcome).slice(0, limit)
}

const endOf = (outcome: PastRun['outcome']): EndOfRun =>
  outcome === 'done' || outcome === 'failed' || outcome === 'undone' ? outcome : 'open'

/** Two would be enough to tell that a name is of several; these are shown. */
const CANDIDATES = 6

/** Finds a run by its id, the beginning or end of that, its job (the newest run of it), or as the `latest` of all. */
export async function findPastRun(
  warehouse: Warehouse,
  tables: ProductionTables,
  {name, shownPath}: {readonly name: string; readonly shownPath: string},
): Promise<PastRun> {
  const found = await readPastRuns(warehouse, tables, {limit: CANDIDATES, ...(name !== LATEST && {named: name})})
  const [newest, ...others] = found
  if (newest === undefined) throw unknownRun(name, shownPath)
  const exact = found.find(({runId}) => runId === name)
  if (name === LATEST || others.length === 0) return newest
  if (exact !== undefined) return exact
  const [ofJob] = await readPastRuns(warehouse, tables, {limit: 1, job: name})
  if (ofJob !== undefined) return ofJob
  throw severalRuns(
    name,
    found.map(({runId}) => runId),
  )
}
