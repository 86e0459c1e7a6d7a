import {readFile, writeFile} from 'node:fs/promises'

const BLOCK = 4096
const HEADERS = 3 * BLOCK
const VERSION_AT = 12

export type Damage = (file: Buffer) => Buffer

/** Random bytes all over the file, behind its headers. */
export const scribbled: Damage = (file) => {
  const damaged = Buffer.from(file)
  for (let at = HEADERS + 100; at < damaged.length; at += BLOCK) damaged.fill('chaos', at, at + 64)
  return damaged
}

export const cutTo =
  (length: (bytes: number) => number): Damage =>
  (file) =>
    file.subarray(0, Math.floor(length(file.length)))

/** As a DuckDB of years from now would write it: the main header names a storage version that nobody knows yet. */
export const fromTheFuture: Damage = (file) => {
  const future = Buffer.from(file)
  future.writeBigUInt64LE(9999n, VERSION_AT)
  future.writeBigUInt64LE(checksum(future.subarray(8, BLOCK)), 0)
  return future
}

/** DuckDB's own, of whole 8-byte words. */
function checksum(bytes: Buffer): bigint {
  let sum = 5381n
  for (let at = 0; at < bytes.length; at += 8) {
    sum ^= BigInt.asUintN(64, bytes.readBigUInt64LE(at) * 0xbf58476d1ce4e5b9n)
  }
  return sum
}

export async function damage(path: string, how: Damage): Promise<void> {
  await writeFile(path, how(await readFile(path)))
}
