import {existsSync} from 'node:fs'
import {open, stat, type FileHandle} from 'node:fs/promises'

import type {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api'

import {failure, busy, LorchestraError, usageError} from '../../base/errors.ts'
import {withFileLock} from '../../base/file-lock.ts'
import {pause, inTurn} from '../../base/waiting.ts'
import {hasCode} from '../../base/system-error.ts'
import {adviceFor} from './advice.ts'
import {backupOf, backUpMetadata, removeBackup, restoreBackup} from './metadata-backup.ts'
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
const QUOTING_ERRORS = ['Conversion Error', 'Constraint Error', 'Invalid Input Error']
/** One run waits no longer than this for the commits of others; milliseconds. */
const LONGEST_WAIT = 60 * 60 * 1000
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 500

export type Access = 'read' | 'write'

/** Opens the file for as long as `use` takes; DuckDB lets one process in at a time. `signal` ends the wait for it. */
export async function withDatabase<Result>(
  options: DatabaseOptions,
  access: Access,
  signal: AbortSignal | undefined,
  use: (connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> {
  // DuckDB locks a file against other processes only: two instances of one process would overwrite each other (tried).
  return inTurn(options.path, signal, async () => withOpenDatabase(options, access, signal, use))
}

async function withOpenDatabase<Result>(
  options: DatabaseOptions,
  access: Access,
  signal: AbortSignal | undefined,
  use: (connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> {
  const {instance, connection} = await openWhenFree(options, access, signal)
  const umask = process.umask()
  let file: FileHandle | undefined
  try {
    if (access === 'read') return await use(connection)
    // What DuckDB writes beside the file is for nobody who may not read the file itself. The owner's own bits stay: the
    // process makes folders meanwhile.
    process.umask(~(await stat(options.path)).mode & 0o077)
    // Windows lets nobody read a file that DuckDB has open.
    if (process.platform !== 'win32') {
      file = await open(options.path, 'r')
      await backUpMetadata(connection, options.path, file)
    }
    const result = await use(connection)
    if (await checkpoint(connection)) await removeBackup(options.path)
    return result
  } catch (error) {
    throw withoutValues(options.path, error)
  } finally {
    connection.closeSync()
    instance.closeSync()
    await file?.close()
    process.umask(umask)
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

async function openWhenFree(
  options: DatabaseOptions,
  access: Access,
  signal: AbortSignal | undefined,
): Promise<OpenDatabase> {
  const startedAt = performance.now()
  let deadline = startedAt + options.lockTimeout
  for (let interval = FIRST_PAUSE; ; interval = Math.min(interval * 2, LONGEST_PAUSE)) {
    signal?.throwIfAborted()
    try {
      return await (access === 'read' ? openToRead(options) : openWhole(options))
    } catch (error) {
      const holder = lockHolder(error)
      if (holder === undefined) throw describeOpenError(options.path, error)
      const now = performance.now()
      // A run has the file open for one commit, however long that takes; others may keep it open for good.
      if (existsSync(backupOf(options.path))) deadline = Math.min(now + options.lockTimeout, startedAt + LONGEST_WAIT)
      if (now > deadline) throw heldByAnother(options.path, now - startedAt, holder, error)
    }
    await pause(interval, signal)
  }
}

async function openToRead(options: DatabaseOptions): Promise<OpenDatabase> {
  const instance = await startEngine(options, options.path, {access_mode: 'READ_ONLY', threads: String(THREADS.many)})
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

const isTorn = (error: unknown): boolean => error instanceof Error && error.message.includes('checksum')

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

async function startEngine(
  {temporaryFolder}: DatabaseOptions,
  path: string,
  settings: Record<string, string>,
): Promise<DuckDBInstance> {
  const {DuckDBInstance: instances} = await import('@duckdb/node-api')
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

const heldByAnother = (path: string, waited: number, holder: string, error: unknown): Error =>
  busy(`${path} is open in ${holder}; waited ${Math.round(waited / 1000)} s for it`, {
    code: 'E_DATABASE_LOCKED',
    next: 'Close it there (a DuckDB shell or notebook keeps the file locked) and run the same command again.',
    cause: error,
  })

/** DuckDB quotes the value that it could not convert or insert, and values are payload. */
function withoutValues(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LorchestraError) return error
  const kind = /^[A-Z][A-Za-z ]+ Error/.exec(error.message)?.[0]
  if (kind === undefined) return error
  const detail = QUOTING_ERRORS.includes(kind)
    ? withoutQuotes(kind, error.message)
    : (error.message.split('\n')[0] ?? kind)
  const advice = adviceFor(path, error.message)
  return failure(`DuckDB: ${detail}`, {
    code: 'E_WAREHOUSE_FAILED',
    next: [outcomeAfter(error.message), ...advice].join(' '),
  })
}

const withoutQuotes = (kind: string, message: string): string =>
  message.includes('Malformed JSON') ? `${kind}: a payload that the source gave is not the JSON of one object` : kind

/** A large COMMIT checkpoints, and where that fails it has written its .wal or not. */
const outcomeAfter = (message: string): string =>
  message.includes('create checkpoint')
    ? 'Whether this commit is in, event_log says; running again is safe.'
    : 'Nothing of this transaction was written.'

function describeOpenError(path: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : ''
  if (text.includes('not a valid DuckDB database')) {
    return failure(`${path} is not a DuckDB database`, {
      code: 'E_DATABASE_BROKEN',
      next: 'Set warehouse.path to another file, or restore it.',
      cause: error,
    })
  }
  if (isTorn(error) && existsSync(backupOf(path))) {
    return failure(`a run that was killed left ${path} half written`, {
      code: 'E_DATABASE_BROKEN',
      next: 'Nothing is lost: the next run that writes, without --dry-run, mends it.',
      cause: error,
    })
  }
  const [advice = 'Check the path and its permissions.'] = adviceFor(path, text)
  return failure(`cannot open ${path}`, {
    code: 'E_WAREHOUSE_UNREACHABLE',
    next: `${advice} Nothing was written.`,
    cause: error,
  })
}
