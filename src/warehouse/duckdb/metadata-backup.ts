import {open, readFile, rename, rm, writeFile, type FileHandle} from 'node:fs/promises'
import {dirname} from 'node:path'

import type {DuckDBConnection} from '@duckdb/node-api'
import {z} from 'zod'

import {failure} from '../../base/errors.ts'
import {syncFolder} from '../../base/sync-folder.ts'
import {hasCode} from '../../base/system-error.ts'
import {rowsOf} from './sql.ts'

/** A file begins with the main header and two that take turns; a checkpoint ends when it has written one of the two. */
const HEADERS = 3 * 4096
const CHECKSUM = 8

const description = z.object({schema: z.literal(1), blockSize: z.number(), blocks: z.array(z.number())})
type Description = z.infer<typeof description>

/**
 * DuckDB writes checkpoints to free blocks, but for the blocks that hold its metadata: those it rewrites in place
 * (`MetadataManager::Flush`; strace shows it). A process that is killed within that write leaves a block that does not
 * fit its checksum, and a file that no DuckDB opens. So these blocks are copied beside the file before a checkpoint.
 */
export const backupOf = (path: string): string => `${path}.metadata-backup`

/**
 * `file` is closed by the caller, after DuckDB has closed it: the locks that DuckDB holds on a file end when its process
 * closes any handle of that file (fcntl(2)).
 */
export async function backUpMetadata(connection: DuckDBConnection, path: string, file: FileHandle): Promise<void> {
  const [size] = await rowsOf(
    connection,
    'SELECT block_size::DOUBLE AS block_size FROM pragma_database_size() WHERE database_name = current_database()',
  )
  const rows = await rowsOf(connection, 'SELECT block_id::DOUBLE AS block FROM pragma_metadata_info()')
  const blockSize = Number(size?.['block_size'])
  const inMemory = rows.map((row) => Number(row['block']))
  const parts = [await read(file, 0, HEADERS)]
  const blocks: number[] = []
  for (const block of inMemory) {
    const bytes = await read(file, placeOf(block, blockSize), blockSize)
    if (bytes.length < blockSize) continue
    blocks.push(block)
    parts.push(bytes)
  }
  const described = JSON.stringify({schema: 1, blockSize, blocks} satisfies Description)
  await writeWhole(path, Buffer.concat([Buffer.from(`${described}\n`), ...parts]))
}

export async function removeBackup(path: string): Promise<void> {
  await rm(backupOf(path), {force: true})
}

/**
 * Puts back the blocks that an unfinished checkpoint tore, and drops the backup. Only for a file that nobody else can
 * have open. Afterwards the file says what it said before that checkpoint, and its .wal the rest. False without a backup.
 */
export async function restoreBackup(path: string): Promise<boolean> {
  const backup = await readBackup(path)
  if (backup === undefined) return false
  const {blockSize, blocks, bytes} = backup
  const file = await open(path, 'r+')
  try {
    const unfinished = (await read(file, 0, HEADERS)).equals(bytes.subarray(0, HEADERS))
    for (const [index, block] of unfinished ? blocks.entries() : []) {
      const place = placeOf(block, blockSize)
      if (isWhole(await read(file, place, blockSize))) continue
      const good = bytes.subarray(HEADERS + index * blockSize, HEADERS + (index + 1) * blockSize)
      await file.write(good, 0, good.length, place)
    }
    await file.sync()
    await removeBackup(path)
  } finally {
    await file.close()
  }
  return true
}

const placeOf = (block: number, blockSize: number): number => HEADERS + block * blockSize

async function read(file: FileHandle, place: number, length: number): Promise<Buffer> {
  const {buffer, bytesRead} = await file.read(Buffer.alloc(length), 0, length, place)
  return buffer.subarray(0, bytesRead)
}

/** Computes DuckDB's own checksum, of whole words of eight bytes. */
function isWhole(block: Buffer): boolean {
  let sum = 5381n
  for (let at = CHECKSUM; at < block.length; at += 8) {
    sum ^= BigInt.asUintN(64, block.readBigUInt64LE(at) * 0xbf58476d1ce4e5b9n)
  }
  return block.readBigUInt64LE(0) === sum
}

async function readBackup(path: string): Promise<(Description & {readonly bytes: Buffer}) | undefined> {
  try {
    const content = await readFile(backupOf(path))
    const end = content.indexOf('\n')
    const described = description.parse(JSON.parse(content.toString('utf8', 0, end)))
    return {...described, bytes: content.subarray(end + 1)}
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Puts it on the disk, whole, before DuckDB writes the first byte, or not at all. */
async function writeWhole(path: string, content: Buffer): Promise<void> {
  const draft = `${backupOf(path)}.new`
  try {
    await writeFile(draft, content, {mode: 0o600, flush: true})
    await rename(draft, backupOf(path))
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(draft, {force: true})
    throw failure(`DuckDB: ${backupOf(path)}, which protects the file from a kill, cannot be written`, {
      code: 'E_FILE_NOT_WRITTEN',
      next: `Make room on the disk of ${path}, see that its folder can be written, and run again. Nothing of this transaction was written.`,
      cause: error,
    })
  }
}
