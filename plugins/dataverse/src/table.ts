import {distance} from 'fastest-levenshtein'
import type {JsonObject, SourceContext} from 'lorchestra'

import {get} from './api.ts'
import {problemOf} from './http-error.ts'
import type {Options} from './options.ts'

/** A table is what the address of its rows is made of. */
export interface Table {
  readonly entitySet: string
  readonly primaryKey: string
  /** Whether it tracks changes; not known where the job names the other two. */
  readonly tracksChanges?: boolean
}

// Asked once in a run. Weakly by the job's options, so that no other job can meet it.
const tables = new WeakMap<Options, Promise<Table>>()

export async function tableOf(context: SourceContext<Options>): Promise<Table> {
  const {entity_set: entitySet, primary_key: primaryKey} = context.options
  if (entitySet !== undefined && primaryKey !== undefined) return {entitySet, primaryKey}
  let table = tables.get(context.options)
  if (table === undefined) {
    table = ask(context)
    tables.set(context.options, table)
    table.catch(() => tables.delete(context.options))
  }
  return table
}

/** Asks about this one table alone: the metadata of all tables together can be larger than memory. */
async function ask(context: SourceContext<Options>): Promise<Table> {
  const {entity, entity_set, primary_key} = context.options
  const path = `EntityDefinitions(LogicalName='${entity}')?$select=EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled`
  const {status, body} = await get(context, path, {allow: [404]})
  if (status === 404) throw await unknownTable(context, body)
  const {EntitySetName: entitySet, PrimaryIdAttribute: primaryKey, ChangeTrackingEnabled: tracksChanges} = body
  if (typeof entitySet !== 'string' || typeof primaryKey !== 'string')
    throw new Error(
      `the metadata of ${entity} lack EntitySetName or PrimaryIdAttribute; set entity_set and primary_key`,
    )
  return {
    entitySet: entity_set ?? entitySet,
    primaryKey: primary_key ?? primaryKey,
    ...(typeof tracksChanges === 'boolean' && {tracksChanges}),
  }
}

async function unknownTable(context: SourceContext<Options>, answer: JsonObject): Promise<Error> {
  const {entity, url} = context.options
  // Any server answers 404 to an address that it does not know; only Dataverse says why.
  if (problemOf(answer).message === '')
    return new Error(`${url} answered 404, but not as Dataverse does; check that url is a Dataverse environment`)
  const {value} = (await get(context, 'EntityDefinitions?$select=LogicalName,EntitySetName')).body
  const names = closeNames(entity, Array.isArray(value) ? (value as readonly JsonObject[]) : [])
  const advice =
    names.length === 0
      ? 'Use its logical name, which is singular and in lower case'
      : `Did you mean ${names.join(' or ')}?`
  return new Error(`there is no table ${entity} in ${url}. ${advice}`)
}

/** Gives the logical names of tables whose logical name or name in addresses is like this one, the closest first. */
function closeNames(entity: string, all: readonly JsonObject[]): readonly string[] {
  const found: {readonly name: string; readonly away: number}[] = []
  // Names of custom tables begin with their publisher's prefix.
  const stem = entity.slice(entity.indexOf('_') + 1)
  for (const {LogicalName: name, EntitySetName: entitySet} of all) {
    if (typeof name !== 'string') continue
    const away = Math.min(...[name, entitySet].map((one) => distance(entity, typeof one === 'string' ? one : name)))
    if (away <= Math.max(2, entity.length / 3) || (stem.length > 3 && name.includes(stem))) found.push({name, away})
  }
  return found
    .toSorted((one, other) => one.away - other.away)
    .slice(0, 3)
    .map(({name}) => name)
}
