import {stat} from 'node:fs/promises'

import * as z from 'zod'

import type {StagedColumn} from '../../model/raw-object-columns.ts'
import type {TableSet} from '../../model/tables.ts'
import type {Connection} from './connection.ts'
import {pause} from '../../base/waiting.ts'
import {runJob, type Job} from './jobs.ts'
import {isNotFound, isTableThere} from './service-error.ts'
import {stagingName} from './names.ts'
import {createTable, deleteTable, findTable, tablesThatBegin, WITHOUT_DEFAULTS} from './table-metadata.ts'

const LIFETIME = 3 * 24 * 60 * 60 * 1000
/** One load job takes files up to about this; what a broken line makes us send again. */
const LOAD_BYTES = 256 * 1024 * 1024
const PARALLEL_LOADS = 3
const VISIBLE_AFTER_TRIES = 5

/** A column that is staged, or what is found out about a staged row. */
export interface StagingColumn {
  readonly name: string
  readonly type: StagedColumn['type'] | 'BOOLEAN'
}

const stagingExpires = (): Date => new Date(Date.now() + LIFETIME)

/** What a table is protected by, and so whatever holds its values for a moment. */
export interface Protection {
  readonly encryptionConfiguration?: unknown
  /** Those of columns, by the names that these have in staging tables, too. */
  readonly policyTags: ReadonlyMap<string, unknown>
}

const protectedShape = z.looseObject({
  encryptionConfiguration: z.unknown().optional(),
  schema: z.looseObject({fields: z.array(z.looseObject({name: z.string(), policyTags: z.unknown().optional()}))}),
})

/** Answers for a table that is there; one without a key of its own has the configured one. */
export async function protectionOf(connection: Connection, table: string): Promise<Protection> {
  const {kmsKey} = connection
  const configured = kmsKey === undefined ? undefined : {kmsKeyName: kmsKey}
  const {encryptionConfiguration = configured, schema} = protectedShape.parse(await findTable(connection, table))
  const tagged = schema.fields.filter(({policyTags}) => policyTags !== undefined)
  return {
    ...(encryptionConfiguration !== undefined && {encryptionConfiguration}),
    policyTags: new Map(tagged.map(({name, policyTags}) => [name.toLowerCase(), policyTags])),
  }
}

/** Makes a temporary table that is protected like the one whose values it will hold, and expires by itself. */
export async function createStaging(
  connection: Connection,
  table: string,
  fields: readonly StagingColumn[],
  {encryptionConfiguration, policyTags}: Protection,
): Promise<object> {
  const schema = {
    fields: fields.map(({name, type}) => ({
      name,
      type,
      mode: 'NULLABLE',
      ...(policyTags.has(name) && {policyTags: policyTags.get(name)}),
    })),
  }
  await createTable(connection, table, {
    ...WITHOUT_DEFAULTS,
    schema,
    expirationTime: String(stagingExpires().getTime()),
    labels: {tool: 'lorchestra'},
    ...(encryptionConfiguration !== undefined && {encryptionConfiguration}),
  })
  return schema
}

/** Fills a temporary table; done twice it is filled once. */
export const fillStaging = (table: string, columns: readonly string[], select: string): string =>
  `DELETE FROM ${table} WHERE TRUE;\nINSERT INTO ${table} (${columns.join(', ')})\n ${select}`

/**
 * Loads files of NDJSON into temporary tables that expire by themselves. Loading the same file again is harmless.
 * Answers with the tables; `made` gets the name of every one that may be there, also when this throws.
 */
export async function stageFiles(
  connection: Connection,
  name: string,
  {fields, protection}: {readonly fields: readonly StagingColumn[]; readonly protection: Protection},
  files: readonly string[],
  made: string[],
): Promise<readonly string[]> {
  const loads = (await inLoads(files)).map((some, index) => ({table: `${name}_${index}`, files: some}))
  const work = loads.values()
  const worker = async (): Promise<void> => {
    for (const {table, files: some} of work) {
      made.push(table)
      await stageTable(connection, table, {fields, protection}, some)
    }
  }
  const results = await Promise.allSettled(Array.from({length: PARALLEL_LOADS}, worker))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return loads.map(({table}) => table)
}

/** Takes those that are gone out of `tables`. */
export async function dropStaging(connection: Connection, tables: string[]): Promise<void> {
  for (let table = tables.at(-1); table !== undefined; table = tables.at(-1)) {
    await deleteTable(connection, table)
    tables.pop()
  }
}

/** Drops what a run into these tables left behind that was killed. */
export async function dropStagingOf(connection: Connection, tables: TableSet, runId: string): Promise<void> {
  await dropStaging(connection, await tablesThatBegin(connection, stagingName(connection.dataset, tables, runId)))
}

async function inLoads(files: readonly string[]): Promise<readonly (readonly string[])[]> {
  const loads: string[][] = []
  let bytes = Infinity
  for (const file of files) {
    const {size} = await stat(file)
    if (bytes + size > LOAD_BYTES) {
      loads.push([])
      bytes = 0
    }
    loads.at(-1)?.push(file)
    bytes += size
  }
  return loads
}

async function stageTable(
  connection: Connection,
  table: string,
  {fields, protection}: {readonly fields: readonly StagingColumn[]; readonly protection: Protection},
  files: readonly string[],
): Promise<void> {
  const schema = await createStaging(connection, table, fields, protection)
  await whenVisible(connection, async (attempt) => {
    const load = {
      id: `load-${table}-v${attempt}`,
      configuration: {
        load: {
          destinationTable: connection.referenceTo(table),
          schema,
          sourceFormat: 'NEWLINE_DELIMITED_JSON',
          createDisposition: 'CREATE_NEVER',
          // To truncate it would take its key and its policy tags from it.
          writeDisposition: 'WRITE_EMPTY',
          maxBadRecords: 0,
        },
      },
      files,
      what: 'loading records into a staging table',
    }
    try {
      return await runJob(connection, load)
    } catch (error) {
      // An attempt that was given up had loaded: what it left is not trusted.
      if (isTableThere(error)) {
        await deleteTable(connection, table)
        await createStaging(connection, table, fields, protection)
      }
      throw error
    }
  })
}

/** A table that was just made may be unknown to the loading side for a few seconds; one that held rows was made anew. */
async function whenVisible(connection: Connection, load: (attempt: number) => Promise<Job>): Promise<Job> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await load(attempt)
    } catch (error) {
      if (attempt === VISIBLE_AFTER_TRIES || (!isNotFound(error) && !isTableThere(error))) throw error
    }
    await pause(connection.pauseBefore(attempt), undefined)
  }
}
