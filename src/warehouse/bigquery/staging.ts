import {stat} from 'node:fs/promises'

import type {StagedColumn} from '../../model/raw-object-columns.ts'
import type {Connection} from './connection.ts'
import {pause} from '../../base/waiting.ts'
import {runJob, type Job} from './jobs.ts'
import {isNotFound} from './service-error.ts'
import {stagingName} from './names.ts'
import {createTable, deleteTable, tablesThatBegin} from './table-metadata.ts'

const LIFETIME = 3 * 24 * 60 * 60 * 1000
/** One load job takes files up to about this; what a broken line makes us send again. */
const LOAD_BYTES = 256 * 1024 * 1024
const PARALLEL_LOADS = 3
const VISIBLE_AFTER_TRIES = 5

export const stagingExpires = (): Date => new Date(Date.now() + LIFETIME)

/**
 * Loads files of NDJSON into temporary tables that expire by themselves. Loading the same file again is harmless.
 * Answers with the tables; `made` gets the name of every one that may be there, also when this throws.
 */
export async function stageFiles(
  connection: Connection,
  name: string,
  fields: readonly StagedColumn[],
  files: readonly string[],
  made: string[],
): Promise<readonly string[]> {
  const loads = (await inLoads(files)).map((some, index) => ({table: `${name}_${index}`, files: some}))
  const work = loads.values()
  const worker = async (): Promise<void> => {
    for (const {table, files: some} of work) {
      made.push(table)
      await stageTable(connection, table, fields, some)
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

/** Drops what a run that was killed left behind. */
export async function dropStagingOf(connection: Connection, runId: string): Promise<void> {
  await dropStaging(connection, await tablesThatBegin(connection, stagingName(connection.dataset, runId)))
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
  fields: readonly StagedColumn[],
  files: readonly string[],
): Promise<void> {
  const {project: projectId, dataset: datasetId} = connection
  const schema = {fields: fields.map(({name, type}) => ({name, type, mode: 'NULLABLE'}))}
  await createTable(connection, table, {
    schema,
    expirationTime: String(stagingExpires().getTime()),
    labels: {tool: 'lorchestra'},
  })
  await whenVisible(connection, async (attempt) =>
    runJob(connection, {
      id: `load-${table}-v${attempt}`,
      configuration: {
        load: {
          destinationTable: {projectId, datasetId, tableId: table},
          schema,
          sourceFormat: 'NEWLINE_DELIMITED_JSON',
          createDisposition: 'CREATE_NEVER',
          writeDisposition: 'WRITE_TRUNCATE',
          maxBadRecords: 0,
        },
        labels: {tool: 'lorchestra'},
      },
      files,
      what: 'loading records into a staging table',
    }),
  )
}

/** A table that was just made may be unknown to the loading side for a few seconds. */
async function whenVisible(connection: Connection, load: (attempt: number) => Promise<Job>): Promise<Job> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await load(attempt)
    } catch (error) {
      if (attempt === VISIBLE_AFTER_TRIES || !isNotFound(error)) throw error
    }
    await pause(connection.pauseBefore(attempt), undefined)
  }
}
