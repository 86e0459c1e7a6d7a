import {createHash} from 'node:crypto'
import {createReadStream} from 'node:fs'
import {open, readdir, rename, rm, type FileHandle} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {pipeline} from 'node:stream/promises'
import {createZstdCompress} from 'node:zlib'

import {failure, messageWithCauses, usageError} from '../base/errors.ts'
import {isGone, ownProcessName, PROCESS_NAME} from '../base/process-name.ts'
import {syncFolder} from '../base/sync-folder.ts'
import {hasCode} from '../base/system-error.ts'
import {COMPRESSION, FIRST_LINE, lastLine, type PlanMember} from './plan-file-layout.ts'

const DRAFT = '.draft.lorplan'

/** A plan file that is being written: it has another name until it is whole, and only this user can read it. */
export class PlanFileDraft {
  readonly path: string
  readonly #draft: string
  readonly #handle: FileHandle

  private constructor(path: string, draft: string, handle: FileHandle) {
    this.path = path
    this.#draft = draft
    this.#handle = handle
  }

  /** Throws a usage error where there is something of that name. */
  static async create(path: string): Promise<PlanFileDraft> {
    await assertFree(path)
    const draft = `${path}.${await ownProcessName()}${DRAFT}`
    return writing(path, async () => {
      await removeDeadDrafts(path)
      const handle = await open(draft, 'wx', 0o600)
      const file = new PlanFileDraft(path, draft, handle)
      await handle.writeFile(FIRST_LINE)
      return file
    })
  }

  /** Copies a file of this machine into it. */
  async addFile(holds: PlanMember['holds'], source: string): Promise<PlanMember> {
    const hash = createHash('sha256')
    let bytes = 0
    const append = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) {
        hash.update(chunk)
        bytes += chunk.length
        await this.#handle.writeFile(chunk)
      }
    }
    await writing(this.path, async () => pipeline(createReadStream(source), createZstdCompress(COMPRESSION), append))
    return {holds, bytes, sha256: hash.digest('hex')}
  }

  /** Ends it with its manifest, gives it its name, and answers with the SHA-256 of the manifest. */
  async finish(manifest: string): Promise<string> {
    const sha256 = createHash('sha256').update(manifest).digest('hex')
    await writing(this.path, async () => {
      await this.#handle.writeFile(`${manifest}${lastLine(sha256, Buffer.byteLength(manifest))}`)
      await this.#handle.sync()
      await this.#handle.close()
    })
    // Whoever took the name meanwhile keeps it.
    const claim = await open(this.path, 'wx', 0o600).catch((error: unknown) => {
      throw hasCode(error, 'EEXIST') ? nameTaken(this.path) : notWritten(this.path, error)
    })
    await claim.close()
    await writing(this.path, async () => {
      await rename(this.#draft, this.path)
      await syncFolder(dirname(this.path))
    })
    return sha256
  }

  /** Removes what was written, unless it was finished. */
  async discard(): Promise<void> {
    await this.#handle.close()
    await rm(this.#draft, {force: true})
  }
}

/** Removes what runs left that were killed while they wrote a plan of this name. Those of another machine or container stay. */
async function removeDeadDrafts(path: string): Promise<void> {
  const folder = dirname(path)
  const start = `${basename(path)}.`
  for (const name of await readdir(folder)) {
    if (!name.startsWith(start) || !name.endsWith(DRAFT)) continue
    const [, drafter] = new RegExp(`^${PROCESS_NAME}$`).exec(name.slice(start.length, -DRAFT.length)) ?? []
    if (drafter !== undefined && (await isGone(drafter)) === true) await rm(join(folder, name), {force: true})
  }
}

async function assertFree(path: string): Promise<void> {
  try {
    await (await open(path, 'r')).close()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw notWritten(path, error)
  }
  throw nameTaken(path)
}

async function writing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw notWritten(path, error)
  }
}

const nameTaken = (path: string): Error =>
  usageError(`${path} exists already`, {
    code: 'E_FILE_EXISTS',
    next: 'Give another name, or remove it: a plan is never overwritten.',
  })

const notWritten = (path: string, cause: unknown): Error =>
  failure(`the plan could not be written to ${path}: ${messageWithCauses(cause)}`, {
    code: 'E_FILE_NOT_WRITTEN',
    next: 'Give a name in a folder of yours with room for all records that are read.',
    cause,
  })
