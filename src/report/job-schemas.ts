import type {Config} from '../config/config.ts'
import {jobEntry} from '../config/jobs.ts'
import {usageError} from '../base/errors.ts'
import type {TableSet} from '../model/tables.ts'
import {StreamSchema, type SchemaChange, type SchemaFact} from '../model/stream-schema.ts'
import {knownSchema} from '../run/record-shapes.ts'
import type {SchemaEvent, StreamScope, Warehouse} from '../warehouse/warehouse.ts'

/** This is what the log tells of the shape of one stream's records. */
export interface JobSchema {
  readonly scope: StreamScope
  readonly events: readonly SchemaEvent[]
}

/** Reads the schemas of all streams that the job has read into these tables. Throws where there is no such job at all. */
export async function readJobSchemas(
  warehouse: Warehouse,
  tables: TableSet,
  config: Config,
  job: string,
): Promise<readonly JobSchema[]> {
  const {streams} = await warehouse.describe(tables)
  const ofJob = streams.filter((stream) => stream.job === job)
  if (ofJob.length === 0) jobEntry(config, job)
  const scopes = new Map(ofJob.map((one) => [`${one.stream.sourceSystem}/${one.stream.objectType}`, one]))
  const wanted = [...scopes.values()]
  const states = await warehouse.readStreamStates(tables, wanted)
  return wanted.map((scope, index) => ({scope, events: states[index]?.schema ?? []}))
}

export interface DatedFact extends SchemaFact {
  /** The event that first told of the path. */
  readonly told: SchemaEvent | undefined
}

export function datedFacts({events}: JobSchema): readonly DatedFact[] {
  const first = new Map<string, SchemaEvent>()
  for (const event of events) {
    if (event.type === 'schema.refused') continue
    for (const {path} of event.changes) if (!first.has(path)) first.set(path, event)
  }
  return knownSchema(events)
    .facts()
    .map((fact) => ({...fact, told: first.get(fact.path)}))
}

/** Gives what was refused and is still not known, of these paths and what is below them; of all where none is named. */
export function refusedChanges({events}: JobSchema, paths: readonly string[]): readonly SchemaChange[] {
  const known = knownSchema(events)
  const refused = events.filter(({type}) => type === 'schema.refused').flatMap(({changes}) => changes)
  const wanted = refused.filter(
    ({path}) => paths.length === 0 || paths.some((one) => path === one || path.startsWith(`${one}/`)),
  )
  const accepted = new StreamSchema()
  for (const fact of known.facts()) accepted.learn(fact)
  return wanted.filter((change) => {
    const isNew = !accepted.knows(change)
    accepted.learn(change)
    return isNew
  })
}

export function assertEveryPathIsRefused(schemas: readonly JobSchema[], paths: readonly string[]): void {
  const unknown = paths.find((path) => schemas.every((schema) => refusedChanges(schema, [path]).length === 0))
  if (unknown === undefined) return
  throw usageError(`nothing at ${JSON.stringify(unknown)} was refused and is left to accept`, {
    code: 'E_PATH_UNKNOWN',
    next: '`lorchestra schema diff JOB` shows what was refused; paths are JSON pointers such as /address/city.',
  })
}

/** Gives the events after the run began; all of them where none is named. Throws for a run that these tables do not know. */
export async function startOfRun(warehouse: Warehouse, tables: TableSet, runId: string): Promise<number> {
  const events = await warehouse.readRunEvents(tables, {runId, limit: 1})
  const started = events.find(({type}) => type === 'job.started')
  if (started !== undefined) return started.at
  throw usageError(`there is no run ${JSON.stringify(runId)} in ${tables.eventLog}`, {
    code: 'E_RUN_UNKNOWN',
    next: '`lorchestra runs list` names them.',
  })
}
