import {existsSync} from 'node:fs'
import {mkdir, open, stat, type FileHandle} from 'node:fs/promises'

import type {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api'

import {usageError} from '../../base/errors.ts'
import {withFileLock} from '../../base/file-lock.ts'
import {pause, inTurn} from '../../base/waiting.ts'
import {hasCode} from '../../base/system-error.ts'
import {describeOpenError, isTorn, withoutValues} from './duckdb-error.ts'
import {backupOf, backUpMetadata, removeBackup, restoreBackup} from './metadata-backup.ts'
import {LockWait, type LockTimeouts} from './lock-wait.ts'
import {makeWal, removeEmptyWal} from './private-wal.ts'
import {literal} from './sql.ts'

export interface DatabaseOptions {
  readonly path: string
  /** DuckDB puts here what does not fit into memory; never beside the database. */
  readonly temporaryFolder: string
  /** Another process that has the file open and is no run is waited for so many milliseconds. */
  readonly lockTimeout: number
}

/** DuckDB keeps below this; bytes. */
export const MEMORY_LIMIT = 512_000_000
/** DuckDB's threads wait for each other busily, so for a few events a second one only takes time. */
export const THREADS = {few: 1, many: 2}
/**
 * A thread gathers a group in memory before it compresses it. DuckDB's own 122,880 rows of 2 KB are 240 MB, so two
 * threads would not fit below the limit and would spill; groups of several sizes may stand in one table.
 */
const ROW_GROUP_ROWS = 16_384
/** `query` reads as well: what a person wrote reaches nothing but this database. */
export type Access = 'read' | 'query' | 'write'

/**
 * Opens the file for as long as `use` takes; DuckDB lets one process in at a time. `signal` ends the wait for it, which others
 * of this process do not wait for.
 */
export async function withDatabase<Result>(
  options: DatabaseOptions,
  access: Access,
  signal: AbortSignal | undefined,
  use: (connection: DuckDBConnection) => Promise<Result>,
  timeouts: LockTimeouts = {timeout: options.lockTimeout},
): Promise<Result> {
  return whenNobodyHas(options.path, signal, timeouts, async (wait) => {
    const opened = await openUnlessHeld(options, access)
    if ('holder' in opened) return opened
    wait.end()
    return {result: await useOpen(options, access, opened, use)}
  })
}

/** Reads the file by a connection of its own, as the catalog `warehouse`, for as long as `use` takes. */
export async function withAttached<Result>(
  {options, connection}: {readonly options: DatabaseOptions; readonly connection: DuckDBConnection},
  signal: AbortSignal,
  timeouts: LockTimeouts,
  use: () => Promise<Result>,
): Promise<Result> {
  return whenNobodyHas(options.path, signal, timeouts, async (wait) => {
    try {
      await connection.run(`ATTACH ${literal(options.path)} AS warehouse (READ_ONLY)`)
    } catch (error) {
      return heldOrThrow(options.path, error)
    }
    wait.end()
    try {
      await connection.run('USE warehouse')
      return {result: await use()}
    } catch (error) {
      throw withoutValues(options.path, error)
    } finally {
      await connection.run('USE memory')
      await connection.run('DETACH warehouse')
    }
  })
}

async function whenNobodyHas<Result>(
  path: string,
  signal: AbortSignal | undefined,
  timeouts: LockTimeouts,
  attempt: (wait: LockWait) => Promise<Attempt<Result>>,
): Promise<Result> {
  const wait = new LockWait(path, timeouts)
  for (;;) {
    signal?.throwIfAborted()
    // DuckDB locks a file against other processes only: two instances of one process would overwrite each other (tried).
    const tried = await inTurn(path, signal, async () => attempt(wait))
    if ('result' in tried) return tried.result
    await pause(wait.next(tried.holder, tried.error), signal)
  }
}

interface Held {
  readonly holder: string
  readonly error: unknown
}

type Attempt<Result> = Held | {readonly result: Result}

async function useOpen<Result>(
  {path}: DatabaseOptions,
  access: Access,
  {instance, connection}: OpenDatabase,
  use: (connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> {
  let file: FileHandle | undefined
  try {
    if (access !== 'write') return await use(connection)
    // Windows lets nobody read a file that DuckDB has open.
    if (process.platform !== 'win32') {
      // What DuckDB writes beside the file is for nobody who may not read the file itself.
      await makeWal(path)
      file = await open(path, 'r')
      await backUpMetadata(connection, path, file)
    }
    const result = await use(connection)
    if (await checkpoint(connection)) await removeBackup(path)
    return result
  } catch (error) {
    throw withoutValues(path, error)
  } finally {
    try {
      if (access === 'write') await removeEmptyWal(path)
    } finally {
      connection.closeSync()
      instance.closeSync()
      await file?.close()
    }
  }
}

/**
 * Moves what was committed from the .wal into the file, so that the file is whole without it; a large COMMIT has done
 * so already. False where it failed, on a full disk say: then the .wal keeps it, and the next checkpoint moves it.
 */
async function checkpoint(connection: DuckDBConnection): Promise<boolean> {
  try {
    await connection.run('CHECKPOINT')
    return true
  } catch {
    return false
  }
}

/** Answers false where nothing is there; a file that may not be looked at is an error. */
export async function databaseExists(path: string): Promise<boolean> {
  try {
    const found = await stat(path)
    if (!found.isFile())
      throw usageError(`${path} is not a file`, {
        code: 'E_DATABASE_BROKEN',
        next: 'Set warehouse.path in lorchestra.yaml to a file.',
      })
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Does all or nothing: where `work` throws, closing the connection drops what it did. */
export async function inTransaction<Result>(
  connection: DuckDBConnection,
  work: () => Promise<Result>,
): Promise<Result> {
  await connection.run('BEGIN TRANSACTION')
  const result = await work()
  await connection.run('COMMIT')
  return result
}

interface OpenDatabase {
  readonly instance: DuckDBInstance
  readonly connection: DuckDBConnection
}

async function openUnlessHeld(options: DatabaseOptions, access: Access): Promise<OpenDatabase | Held> {
  try {
    return await (access === 'write' ? openWhole(options) : openToRead(options, access))
  } catch (error) {
    return heldOrThrow(options.path, error)
  }
}

function heldOrThrow(path: string, error: unknown): Held {
  const holder = lockHolder(error)
  if (holder !== undefined) return {holder, error}
  throw describeOpenError(path, error)
}

/** No other file, no network, no extension, and no statement that allows them again. */
const SHUT = {
  enable_external_access: 'false',
  autoload_known_extensions: 'false',
  lock_configuration: 'true',
}

async function openToRead(options: DatabaseOptions, access: 'read' | 'query'): Promise<OpenDatabase> {
  const instance = await startEngine(options, options.path, {
    access_mode: 'READ_ONLY',
    threads: String(THREADS.many),
    ...(access === 'query' && SHUT),
  })
  return {instance, connection: await instance.connect()}
}

/** Mends what a killed process left. */
async function openWhole(options: DatabaseOptions): Promise<OpenDatabase> {
  const {path} = options
  try {
    const database = await openToWrite(options)
    if (!existsSync(backupOf(path))) return database
    // DuckDB has the file locked, until this process closes a handle of it.
    try {
      await restoreBackup(path)
    } finally {
      database.connection.closeSync()
      database.instance.closeSync()
    }
    return await openToWrite(options)
  } catch (error) {
    if (!isTorn(error) || !existsSync(backupOf(path))) throw error
  }
  // Nobody can have such a file open; but another run may be about to mend it, too.
  const lock = {path: `${path}.mending`, holds: path, lockTimeout: options.lockTimeout}
  return withFileLock(lock, async () => {
    try {
      return await openToWrite(options)
    } catch (error) {
      if (!isTorn(error) || !(await restoreBackup(path))) throw error
      return openToWrite(options)
    }
  })
}

/** The size of row groups can only be set where a file is attached. */
async function openToWrite(options: DatabaseOptions): Promise<OpenDatabase> {
  const instance = await startEngine(options, ':memory:', {threads: String(THREADS.few)})
  try {
    const connection = await instance.connect()
    await connection.run(`ATTACH ${literal(options.path)} AS warehouse (READ_WRITE, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`)
    await connection.run('USE warehouse')
    // One checkpoint for each backup: the one that is made before the backup is dropped.
    await connection.run('PRAGMA disable_checkpoint_on_shutdown')
    return {instance, connection}
  } catch (error) {
    instance.closeSync()
    throw error
  }
}

export async function startEngine(
  {temporaryFolder}: Pick<DatabaseOptions, 'temporaryFolder'>,
  path: string,
  settings: Record<string, string>,
): Promise<DuckDBInstance> {
  const {DuckDBInstance: instances} = await import('@duckdb/node-api')
  await mkdir(temporaryFolder, {recursive: true, mode: 0o700})
  return instances.create(path, {
    memory_limit: `${MEMORY_LIMIT}B`,
    temp_directory: temporaryFolder,
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    ...settings,
  })
}

function lockHolder(error: unknown): string | undefined {
  if (!(error instanceof Error) || !error.message.includes('Could not set lock on file')) return undefined
  return /Conflicting lock is held in (.*?\(PID \d+\))/.exec(error.message)?.[1] ?? 'another process'
}
