import {createHash} from 'node:crypto'
import {open, type FileHandle} from 'node:fs/promises'
import {pipeline, Readable} from 'node:stream'
import {createZstdDecompress} from 'node:zlib'

import {messageWithCauses, usageError} from '../base/errors.ts'
import {damaged, FIRST_LINE, LAST_LINE_BYTES, readLastLine, type PlanMember} from './plan-file-layout.ts'

const CHUNK_BYTES = 256 * 1024
/** A manifest has some hundred bytes for each commit and stream, and the rows that a diff shows. */
const LARGEST_MANIFEST = 256 * 1024 * 1024

/** A plan file that is whole, as far as its first and last line and its manifest tell. */
export class PlanFile {
  readonly path: string
  /** The SHA-256 of the manifest. */
  readonly id: string
  readonly manifest: string
  readonly #handle: FileHandle
  readonly #membersEnd: number

  private constructor(path: string, handle: FileHandle, found: {id: string; manifest: string; membersEnd: number}) {
    this.path = path
    this.#handle = handle
    this.id = found.id
    this.manifest = found.manifest
    this.#membersEnd = found.membersEnd
  }

  /** Throws a usage error for what is no such file. The caller closes it. */
  static async open(path: string): Promise<PlanFile> {
    const handle = await open(path, 'r').catch((error: unknown) => {
      throw usageError(`the plan ${path} cannot be read: ${messageWithCauses(error)}`, {
        code: 'E_PLAN_REFUSED',
        next: 'Make one: lorchestra run JOB --dry-run --diff --out FILE',
      })
    })
    try {
      return new PlanFile(path, handle, await manifestIn(path, handle))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Reads every byte of the members, and throws a usage error where one is not what the manifest says. */
  async verify(members: readonly PlanMember[]): Promise<void> {
    let offset = FIRST_LINE.length
    for (const member of members) {
      for await (const _ of this.#bytesOf(offset, member)) continue
      offset += member.bytes
    }
    if (offset !== this.#membersEnd) throw damaged(this.path, 'it holds more than its manifest names')
  }

  /** Gives what a member holds, as it was before it was compressed; `before` are those that stand before it. */
  contentsOf(member: PlanMember, before: readonly PlanMember[]): AsyncIterable<Buffer> {
    const offset = before.reduce((sum, {bytes}) => sum + bytes, FIRST_LINE.length)
    // Whoever reads the last stream hears of what fails in the first.
    return pipeline(Readable.from(this.#bytesOf(offset, member)), createZstdDecompress(), () => undefined)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async *#bytesOf(offset: number, {bytes, sha256}: PlanMember): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    for (let read = 0; read < bytes;) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes - read))
      const {bytesRead} = await this.#handle.read(chunk, 0, chunk.length, offset + read)
      if (bytesRead === 0) throw damaged(this.path, 'it ends too early')
      const part = chunk.subarray(0, bytesRead)
      hash.update(part)
      read += bytesRead
      yield part
    }
    if (hash.digest('hex') !== sha256) throw damaged(this.path, 'the checksum of a part of it is another one')
  }
}

async function manifestIn(
  path: string,
  handle: FileHandle,
): Promise<{readonly id: string; readonly manifest: string; readonly membersEnd: number}> {
  const {size} = await handle.stat()
  const first = await textAt(handle, 0, FIRST_LINE.length)
  if (first !== FIRST_LINE)
    throw usageError(`${path} is no plan that this version can read`, {
      code: 'E_PLAN_DAMAGED',
      next: 'Make one: lorchestra run JOB --dry-run --diff --out FILE',
    })
  const last = readLastLine(await textAt(handle, Math.max(0, size - LAST_LINE_BYTES), LAST_LINE_BYTES))
  if (last === undefined) throw damaged(path, 'its end is missing')
  const {sha256, manifestBytes} = last
  const membersEnd = size - LAST_LINE_BYTES - manifestBytes
  if (membersEnd < FIRST_LINE.length || manifestBytes > LARGEST_MANIFEST) throw damaged(path, 'its last line is wrong')
  const manifest = await bytesAt(handle, membersEnd, manifestBytes)
  if (createHash('sha256').update(manifest).digest('hex') !== sha256)
    throw damaged(path, 'the checksum of its manifest is another one')
  return {id: sha256, manifest: manifest.toString('utf8'), membersEnd}
}

async function bytesAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const {bytesRead} = await handle.read(bytes, 0, length, offset)
  return bytes.subarray(0, bytesRead)
}

const textAt = async (handle: FileHandle, offset: number, length: number): Promise<string> =>
  (await bytesAt(handle, offset, length)).toString('latin1')
