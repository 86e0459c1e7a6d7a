import {stat, mkdir} from 'node:fs/promises'
import {dirname} from 'node:path'

import type {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api'

import {failure, inTheWay, LorchestraError, usageError} from '../../errors.ts'
import {pause} from '../../pause.ts'
import {hasCode} from '../../system-error.ts'

export interface DatabaseOptions {
  readonly path: string
  /** Where DuckDB puts what does not fit into memory; never beside the database. */
  readonly temporaryFolder: string
  /** Milliseconds to wait for another process that has the file open. */
  readonly patience: number
}

export const MEMORY_LIMIT = '512MB'
const THREADS = '2'
const QUOTING_ERRORS = ['Conversion Error', 'Constraint Error', 'Invalid Input Error']
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 500

/** Opens the file for as long as `use` takes; DuckDB lets one process in at a time. `signal` ends the wait for it. */
export async function withDatabase<Result>(
  options: DatabaseOptions,
  access: 'READ_ONLY' | 'READ_WRITE',
  signal: AbortSignal | undefined,
  use: (connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> {
  if (access === 'READ_WRITE') await mkdir(dirname(options.path), {recursive: true})
  const instance = await openWhenFree(options, access, signal)
  try {
    const connection = await instance.connect()
    try {
      return await use(connection)
    } catch (error) {
      throw withoutValues(error)
    } finally {
      connection.closeSync()
    }
  } finally {
    instance.closeSync()
  }
}

/** False where nothing is there; a file that may not be looked at is an error. */
export async function databaseExists(path: string): Promise<boolean> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw usageError(`${path} is not a file`, 'Set warehouse.path in lorchestra.yaml to a file.')
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** All or nothing: where `work` throws, closing the connection drops what it did. */
export async function inTransaction<Result>(
  connection: DuckDBConnection,
  work: () => Promise<Result>,
): Promise<Result> {
  await connection.run('BEGIN TRANSACTION')
  const result = await work()
  await connection.run('COMMIT')
  return result
}

async function openWhenFree(
  options: DatabaseOptions,
  access: string,
  signal: AbortSignal | undefined,
): Promise<DuckDBInstance> {
  const {DuckDBInstance: instances} = await import('@duckdb/node-api')
  const settings = {
    access_mode: access,
    memory_limit: MEMORY_LIMIT,
    threads: THREADS,
    temp_directory: options.temporaryFolder,
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
  }
  const deadline = performance.now() + options.patience
  for (let interval = FIRST_PAUSE; ; interval = Math.min(interval * 2, LONGEST_PAUSE)) {
    signal?.throwIfAborted()
    try {
      return await instances.create(options.path, settings)
    } catch (error) {
      const holder = lockHolder(error)
      if (holder === undefined) throw describeOpenError(options.path, error)
      if (performance.now() > deadline) throw heldByAnother(options, holder, error)
    }
    await pause(interval, signal)
  }
}

function lockHolder(error: unknown): string | undefined {
  if (!(error instanceof Error) || !error.message.includes('Could not set lock on file')) return undefined
  return /Conflicting lock is held in (.*?\(PID \d+\))/.exec(error.message)?.[1] ?? 'another process'
}

const heldByAnother = (options: DatabaseOptions, holder: string, error: unknown): Error =>
  inTheWay(
    `${options.path} is open in ${holder}; waited ${Math.round(options.patience / 1000)} s for it`,
    'Close it there (a DuckDB shell or notebook keeps the file locked) and run the same command again.',
    error,
  )

/** DuckDB quotes the value that it could not convert or insert, and values are payload. */
function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LorchestraError) return error
  const kind = /^[A-Z][A-Za-z ]+ Error/.exec(error.message)?.[0]
  if (kind === undefined) return error
  const detail = QUOTING_ERRORS.includes(kind) ? kind : (error.message.split('\n')[0] ?? kind)
  return failure(`DuckDB: ${detail}`, 'Nothing of this transaction was written.')
}

function describeOpenError(path: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : ''
  if (text.includes('not a valid DuckDB database')) {
    return failure(`${path} is not a DuckDB database`, 'Set warehouse.path to another file, or restore it.', error)
  }
  return failure(`cannot open ${path}`, 'Check the path and its permissions; nothing was written.', error)
}
